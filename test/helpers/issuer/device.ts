import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { type Answer, apiError, html, json, oauthError } from "./answers.js";
import type { Endpoint, IssuerContext } from "./endpoint.js";
import { departuresFrom, NOT_EMPTY, type RequestForm } from "./form.js";
import { challengeOf } from "./grants.js";
import { devicePage, messagePage } from "./pages.js";
import { headerOf, type RecordedRequest, textOf } from "./requests.js";
import type { TestUser } from "./users.js";

/**
 * A scripted answer to a poll: a status (200 approves as the user who is signed in), or an error of RFC 8628 §3.5,
 * which is answered with 400.
 */
export type DevicePollAnswer =
  | number
  | "authorization_pending"
  | "slow_down"
  | "access_denied"
  | "expired_token";

/** How much earlier than `interval` a poll may arrive: timers fire a little early, and networks hurry. */
const PACE_TOLERANCE_MS = 50;

interface DeviceAuthorization {
  readonly deviceAuthId: string;
  readonly userCode: string;
  readonly clientId: string;
  /** Of the code that a poll will hand out: the issuer's own callback, under the name it was asked by. */
  readonly redirectUri: string;
  intervalSeconds: number;
  lastPollAtMs?: number;
  outcome: "pending" | "denied" | DeviceCode;
}

interface DeviceCode {
  readonly authorization_code: string;
  readonly code_challenge: string;
  readonly code_verifier: string;
}

/** The device authorizations of one issuer, and the endpoints about them (upstream's shape of RFC 8628). */
export class DeviceAuthorizations {
  readonly #context: IssuerContext;
  readonly #authorizations: DeviceAuthorization[] = [];
  readonly #script: DevicePollAnswer[] = [];

  constructor(context: IssuerContext) {
    this.#context = context;
  }

  get endpoints(): Record<"usercode" | "deviceToken" | "devicePage" | "deviceDecision", Endpoint> {
    return {
      usercode: this.#usercode(),
      deviceToken: this.#deviceToken(),
      devicePage: this.#devicePage(),
      deviceDecision: this.#deviceDecision(),
    };
  }

  /** The next polls get these answers; after them, the truth again. */
  scriptPolls(answers: readonly DevicePollAnswer[]): void {
    this.#script.push(...answers);
  }

  /** Decides about a pending code. Throws a TypeError when there is none. */
  decide(userCode: string, decision: "approve" | "deny", user: TestUser): void {
    const authorization = this.#findPending(userCode);
    if (authorization === undefined)
      throw new TypeError("No device authorization is pending under this user code.");
    authorization.outcome = decision === "deny" ? "denied" : this.#issueDeviceCode(authorization, user);
  }

  #usercode(): Endpoint {
    const form: RequestForm = {
      contentType: "application/json",
      required: { client_id: this.#context.clientIds },
    };
    return {
      inspect: (request) => departuresFrom(form, request),
      refuse: (departures) => apiError(400, "invalid_request", departures.join(", ")),
      handle: (request) => {
        if (!this.#context.settings.isDeviceLoginEnabled) return apiError(404, "not_found", "Not found");
        const { deviceAuthId, userCode, intervalSeconds } = this.#begin(request);
        // A string: upstream refuses a number here.
        return json(200, {
          device_auth_id: deviceAuthId,
          user_code: userCode,
          interval: `${intervalSeconds}`,
        });
      },
    };
  }

  #deviceToken(): Endpoint {
    const form: RequestForm = {
      contentType: "application/json",
      required: {
        device_auth_id: (id) => this.#authorizations.some(({ deviceAuthId }) => deviceAuthId === id),
        user_code: (code) => this.#authorizations.some(({ userCode }) => userCode === code),
      },
    };
    return {
      inspect: (request) => {
        this.#checkPace(request);
        return departuresFrom(form, request);
      },
      refuse: (departures) => apiError(400, "invalid_request", departures.join(", ")),
      handle: (request) => this.#poll(request),
    };
  }

  #devicePage(): Endpoint {
    return {
      inspect: (request) => departuresFrom({ required: {}, optional: { user_code: NOT_EMPTY } }, request),
      refuse: (departures) => html(400, messagePage("Bad request", departures)),
      handle: (request) => {
        const { users } = this.#context;
        const form = { action: "/codex/device", hidden: {}, users, signedIn: this.#context.findUser() };
        return html(200, devicePage(textOf(request, "user_code"), form));
      },
    };
  }

  #deviceDecision(): Endpoint {
    const form: RequestForm = {
      contentType: "application/x-www-form-urlencoded",
      required: {
        user_code: (code) => this.#findPending(code) !== undefined,
        account: NOT_EMPTY,
        decision: ["continue", "cancel"],
      },
    };
    return {
      inspect: (request) => departuresFrom(form, request),
      refuse: () =>
        html(400, messagePage("Code not recognised", ["Check the code on your device and try again."])),
      handle: (request) => {
        const decision = textOf(request, "decision") === "continue" ? "approve" : "deny";
        const user = this.#context.findUser(textOf(request, "account"));
        this.decide(textOf(request, "user_code").trim(), decision, user);
        return html(200, messagePage(decision === "approve" ? "Device connected" : "Sign-in cancelled", []));
      },
    };
  }

  #begin(request: RecordedRequest): DeviceAuthorization {
    const base = `${this.#context.scheme}://${headerOf(request, "host")}`;
    const authorization: DeviceAuthorization = {
      deviceAuthId: `deviceauth_${randomUUID()}`,
      userCode: createUserCode(),
      clientId: textOf(request, "client_id"),
      redirectUri: `${base}/deviceauth/callback`,
      intervalSeconds: this.#context.settings.deviceIntervalSeconds,
      outcome: "pending",
    };
    this.#authorizations.push(authorization);
    return authorization;
  }

  #poll(request: RecordedRequest): Answer {
    const authorization = this.#findPolled(request);
    if (authorization?.userCode !== textOf(request, "user_code")) {
      this.#context.report("deviceToken: user_code is not the one of the device_auth_id");
      return apiError(400, "invalid_request", "user_code is not the one of the device_auth_id");
    }
    const scripted = this.#script.shift();
    if (scripted !== undefined && scripted !== 200) return this.#answerAsScripted(authorization, scripted);
    if (scripted === 200 && authorization.outcome === "pending") {
      authorization.outcome = this.#issueDeviceCode(authorization, this.#context.findUser());
    }
    if (authorization.outcome === "denied")
      return oauthError(400, "access_denied", "The user denied the sign-in.");
    if (authorization.outcome === "pending")
      return apiError(403, "authorization_pending", "Not approved yet.");
    return json(200, authorization.outcome);
  }

  #answerAsScripted(authorization: DeviceAuthorization, scripted: Exclude<DevicePollAnswer, 200>): Answer {
    if (scripted === "slow_down") authorization.intervalSeconds += this.#context.settings.slowDownSeconds;
    if (typeof scripted === "string") return oauthError(400, scripted, "Scripted.");
    return apiError(scripted, "scripted", "Scripted.");
  }

  #checkPace(request: RecordedRequest): void {
    const authorization = this.#findPolled(request);
    if (authorization === undefined) return;
    const { lastPollAtMs = Number.NEGATIVE_INFINITY, intervalSeconds } = authorization;
    authorization.lastPollAtMs = request.atMs;
    const waitedMs = request.atMs - lastPollAtMs;
    if (waitedMs < intervalSeconds * 1000 - PACE_TOLERANCE_MS) {
      this.#context.report(`deviceToken: polled after ${waitedMs} ms, interval is ${intervalSeconds} s`);
    }
  }

  #issueDeviceCode({ clientId, redirectUri }: DeviceAuthorization, user: TestUser): DeviceCode {
    const codeVerifier = randomBytes(64).toString("base64url");
    const codeChallenge = challengeOf(codeVerifier);
    const code = this.#context.grants.issueCode({ user, clientId, redirectUri, codeChallenge });
    return { authorization_code: code, code_challenge: codeChallenge, code_verifier: codeVerifier };
  }

  #findPolled(request: RecordedRequest): DeviceAuthorization | undefined {
    const id = textOf(request, "device_auth_id");
    return this.#authorizations.find(({ deviceAuthId }) => deviceAuthId === id);
  }

  #findPending(userCode: string): DeviceAuthorization | undefined {
    return this.#authorizations.find(
      (authorization) => authorization.userCode === userCode.trim() && authorization.outcome === "pending",
    );
  }
}

function createUserCode(): string {
  const letters = Array.from({ length: 4 }, () => "BCDFGHJKLMNPQRSTVWXZ"[randomInt(20)]).join("");
  return `${letters}-${randomInt(10_000, 100_000)}`;
}
