import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthorizeEndpoints } from "./issuer/authorize.js";
import { answerControl, CONTROL_PREFIX } from "./issuer/control.js";
import { DeviceAuthorizations, type DevicePollAnswer } from "./issuer/device.js";
import type { Endpoint, EndpointName, FaultyEndpointName, IssuerContext } from "./issuer/endpoint.js";
import { FaultScript, type Hold } from "./issuer/fault-script.js";
import type { Fault } from "./issuer/faults.js";
import { createFront, send } from "./issuer/front.js";
import { type Family, Grants, type TokenResponse } from "./issuer/grants.js";
import { type RecordedRequest, targetOf } from "./issuer/requests.js";
import { createRevocationEndpoint } from "./issuer/revocation.js";
import { IssuerSettings } from "./issuer/settings.js";
import { createRefreshEndpoint, createTokenEndpoint } from "./issuer/token.js";
import { createTestUser, type TestUser, userLabel } from "./issuer/users.js";

export type {
  DevicePollAnswer,
  Family,
  Fault,
  FaultyEndpointName,
  Hold,
  RecordedRequest,
  TestUser,
  TokenResponse,
};
export { createTestUser, userLabel };

/** The client id of codex-cli 0.169. */
export const UPSTREAM_CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";

/** How a server starts; the settings among them can be changed later. */
export interface AuthorizationServerOptions extends Partial<IssuerSettings> {
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM key and certificate: https instead of http. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Who can sign in; the first one is signed in. Default: one user, me@example.com. */
  readonly users?: readonly TestUser[];
  /** Default: the one of codex-cli. */
  readonly clientIds?: readonly string[];
  /** Gets one line for each answered (or abandoned) request. */
  readonly log?: (line: string) => void;
}

/**
 * Starts an authorization server on 127.0.0.1 that speaks as auth.openai.com does with codex-cli 0.169, refuses
 * whatever departs from that, and can be made to fail in every way that loses logins.
 */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const server = new AuthorizationServer(options);
  await server.listen(options.port ?? 0);
  return server;
}

/** Starts a server for the length of a test. */
export async function startAuthorizationServer(
  t: { teardown(end: () => Promise<void>): void },
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const server = await createAuthorizationServer(options);
  t.teardown(() => server.close());
  return server;
}

/** A running authorization server: its settings, what it saw, and the strings to pull. */
export class AuthorizationServer extends IssuerSettings implements AsyncDisposable {
  /** Every request of the protocol, in the order of arrival. */
  readonly requests: RecordedRequest[] = [];
  /** Everything that departed from upstream's form, as "endpoint: what". */
  readonly violations: string[] = [];
  /** Who can sign in. Changing a user changes the tokens issued from then on. */
  readonly users: readonly TestUser[];
  #signedIn: TestUser;
  readonly #clientIds: readonly string[];
  readonly #scheme: "http" | "https";
  readonly #faults = new FaultScript();
  readonly #grants: Grants;
  readonly #devices: DeviceAuthorizations;
  readonly #server: Server;
  #port = 0;

  constructor({ users, clientIds, tls, log, port: _port, ...settings }: AuthorizationServerOptions) {
    super();
    Object.assign(this, settings);
    this.users = users ?? [createTestUser()];
    this.#signedIn = this.#firstUser();
    this.#clientIds = clientIds ?? [UPSTREAM_CLIENT_ID];
    this.#scheme = tls === undefined ? "http" : "https";
    this.#grants = new Grants(this, () => this.url);
    const context = this.#createContext();
    this.#devices = new DeviceAuthorizations(context);
    this.#server = tls === undefined ? createServer() : createTlsServer(tls);
    this.#serve(this.#createEndpoints(context), log ?? (() => {}));
  }

  /** Without a slash at the end; it stays the same after `close()`. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** One for each login. */
  get families(): readonly Family[] {
    return this.#grants.families;
  }

  /** Successful refresh exchanges. */
  get exchanges(): number {
    return this.#grants.exchanges;
  }

  /** How often a spent refresh token was presented. */
  get reuses(): number {
    return this.#grants.reuses;
  }

  /** Listens. `createAuthorizationServer` has done it; after a `close()` it ends the outage, on the same port. */
  async listen(port = this.#port): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** The requests that one endpoint received. */
  requestsTo(endpoint: EndpointName): RecordedRequest[] {
    return this.requests.filter((request) => request.endpoint === endpoint);
  }

  isAccessTokenValid(accessToken: string): boolean {
    return this.#grants.isAccessTokenValid(accessToken);
  }

  /** From now on this access token is invalid, whatever its exp says; its family lives on. */
  rejectAccessToken(accessToken: string): void {
    this.#grants.rejectAccessToken(accessToken);
  }

  /** Signs out everywhere: no token issued so far is valid any more. */
  revokeEverything(): void {
    for (const family of this.families) family.revokedBecause ??= "revoked";
  }

  /** Signs somebody in at the issuer: preselected on the pages, and taken where there is no page. */
  signIn(user: TestUser): void {
    if (!this.users.includes(user)) throw new TypeError(`${userLabel(user)} is not a user of this server.`);
    this.#signedIn = user;
  }

  /** The tokens of a new login, without any HTTP: for seeding an auth.json. */
  issueTokens(user: TestUser = this.#signedIn, clientId: string = UPSTREAM_CLIENT_ID): TokenResponse {
    return this.#grants.issueTokens(this.#grants.startFamily(user, clientId));
  }

  /** Approves a device login. Throws a TypeError when none is pending under this code. */
  approveDevice(userCode: string, user: TestUser = this.#signedIn): void {
    this.#devices.decide(userCode, "approve", user);
  }

  /** Denies a device login. Throws a TypeError when none is pending under this code. */
  denyDevice(userCode: string): void {
    this.#devices.decide(userCode, "deny", this.#signedIn);
  }

  /** The next polls of the device token endpoint get these answers; after them, the truth again. */
  scriptDevicePolls(answers: readonly DevicePollAnswer[]): void {
    this.#devices.scriptPolls(answers);
  }

  /** The next request(s) to an endpoint meet this fault. Faults and holds queue up per endpoint. */
  failNext(endpoint: FaultyEndpointName, fault: Fault, times = 1): void {
    this.#faults.failNext(endpoint, fault, times);
  }

  /** Holds the next request to an endpoint, before (or after) it is carried out, until it is released. */
  hold(endpoint: FaultyEndpointName, options: { afterCommit?: boolean } = {}): Hold {
    return this.#faults.hold(endpoint, options);
  }

  /** Forgets the faults and holds that no request has met yet. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Stops listening and cuts every connection. May be called again. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #firstUser(): TestUser {
    const [first] = this.users;
    if (first === undefined) throw new TypeError("An authorization server needs at least one user.");
    return first;
  }

  #createContext(): IssuerContext {
    return {
      settings: this,
      clientIds: this.#clientIds,
      users: this.users,
      grants: this.#grants,
      scheme: this.#scheme,
      report: (violation) => this.violations.push(violation),
      findUser: (label) => this.users.find((user) => userLabel(user) === label) ?? this.#signedIn,
    };
  }

  #createEndpoints(context: IssuerContext): Record<EndpointName, Endpoint> {
    return {
      ...createAuthorizeEndpoints(context),
      ...this.#devices.endpoints,
      token: createTokenEndpoint(context),
      refresh: createRefreshEndpoint(context),
      revoke: createRevocationEndpoint(context),
    };
  }

  #serve(endpoints: Record<EndpointName, Endpoint>, log: (line: string) => void): void {
    const report = (violation: string) => this.violations.push(violation);
    const { requests } = this;
    const front = createFront({ endpoints, faults: this.#faults, settings: this, requests, report, log });
    this.#server.on("request", async (message, response) => {
      if (!targetOf(message).pathname.startsWith(CONTROL_PREFIX)) return front(message, response);
      send(response, await answerControl(this, message), this);
    });
  }
}
