import type { Answer } from "./answers.js";
import type { Grants } from "./grants.js";
import type { RecordedRequest } from "./requests.js";
import type { IssuerSettings } from "./settings.js";
import type { TestUser } from "./users.js";

/** An endpoint for which faults can be scripted. 'token' is the form at /oauth/token, 'refresh' the JSON there. */
export type FaultyEndpointName = "authorize" | "token" | "refresh" | "revoke" | "usercode" | "deviceToken";

/** Every endpoint of the server. */
export type EndpointName = FaultyEndpointName | "decision" | "devicePage" | "deviceDecision";

/** What one endpoint does with a request. */
export interface Endpoint {
  /** What departs from upstream's form, one text per parameter. Every request is inspected, whatever fault follows. */
  inspect(request: RecordedRequest): string[];
  /** The answer to a request that departs from it. */
  refuse(departures: readonly string[]): Answer;
  /** Commits, and answers. `asUser` is whose tokens are handed out instead of the right ones. */
  handle(request: RecordedRequest, asUser?: TestUser): Answer;
}

/** What the endpoints share. */
export interface IssuerContext {
  readonly settings: IssuerSettings;
  readonly clientIds: readonly string[];
  readonly users: readonly TestUser[];
  readonly grants: Grants;
  readonly scheme: "http" | "https";
  /** Records a strictness violation; it must hold no secret. */
  report(violation: string): void;
  /** The user with this label, else the one who is signed in at the issuer. */
  findUser(label?: string): TestUser;
}

/** Which endpoint a request is for; undefined when there is none. */
export function endpointOf(method: string, path: string, contentType = ""): EndpointName | undefined {
  if (method === "POST" && path === "/oauth/token") {
    return contentType.startsWith("application/json") ? "refresh" : "token";
  }
  return ROUTES[`${method} ${path}`];
}

const ROUTES: Readonly<Record<string, EndpointName>> = {
  "GET /codex/device": "devicePage",
  "GET /oauth/authorize": "authorize",
  "POST /api/accounts/deviceauth/token": "deviceToken",
  "POST /api/accounts/deviceauth/usercode": "usercode",
  "POST /codex/device": "deviceDecision",
  "POST /oauth/authorize/decision": "decision",
  "POST /oauth/revoke": "revoke",
};
