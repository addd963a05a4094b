import { z } from "zod";
import { loginFlow, sessionSelector, sessionStatus } from "./session.js";

/** Longest time that one `login/await` call waits; a client that wants to wait longer calls again. */
export const LOGIN_AWAIT_MAX_MS = 60_000;

const loginId = z.uuid();

export const loginBeginParams = sessionSelector.extend({
  flow: z
    .enum(["auto", "browser", "device"])
    .optional()
    .describe("Default `auto`: the daemon chooses by the child environment."),
  callbackPort: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      "Port of the loopback redirect; 0 lets the system choose. Default: `callback_port` of the configuration.",
    ),
});

const choice = {
  reason: z.string().describe("Why this flow: half a sentence."),
  warnings: z
    .array(z.string())
    .describe("Why a flow that was insisted on may not work here, and what helps; for a person."),
  fallback: z
    .enum(["device"])
    .nullable()
    .describe("What a client goes on with when the redirect of a browser login does not arrive (WSL)."),
};

const pending = { loginId, codexHome: z.string(), expiresAtMs: z.number().int(), ...choice };

export const loginBeginResult = z.discriminatedUnion("flow", [
  z.object({ ...pending, flow: z.literal("browser"), authorizationUrl: z.string(), redirectUri: z.string() }),
  z.object({ ...pending, flow: z.literal("device"), verificationUri: z.string(), userCode: z.string() }),
]);

export const loginAwaitParams = z.strictObject({
  loginId,
  timeoutMs: z
    .number()
    .int()
    .min(0)
    .max(LOGIN_AWAIT_MAX_MS)
    .optional()
    .describe("Milliseconds to wait, at most 60 000, which is also the default."),
});
export const loginAwaitResult = z.discriminatedUnion("state", [
  z.object({ state: z.literal("pending"), flow: loginFlow, expiresAtMs: z.number().int() }),
  z.object({ state: z.literal("loggedIn"), status: sessionStatus }),
]);

export const loginCancelParams = z.strictObject({ loginId });
export const loginCancelResult = z.object({ cancelled: z.boolean() });

export const loginExplainParams = loginBeginParams.extend({
  interactive: z.boolean().optional().describe("False: nobody is there to log in. Default true."),
});
export const loginExplainResult = z.object({
  flow: z.enum(["browser", "device", "none"]).describe("`none`: nobody is there, and no login would begin."),
  ...choice,
  changes: z.array(z.string()).describe("What would make it another flow, one sentence each; for a person."),
  ports: z
    .array(z.number().int())
    .describe("Where a browser login would listen on 127.0.0.1, tried in this order; 0 is any free port."),
  redirectHost: z.enum(["localhost", "127.0.0.1"]),
  issuer: z.string(),
  sessionState: sessionStatus.shape.state.describe("An `active` session needs no login."),
});

export const loginCompleteParams = z.strictObject({
  loginId,
  redirectUrl: z
    .string()
    .max(8192)
    .describe("The whole URL that the browser ended on, when it could not reach the loopback redirect."),
});
export const loginCompleteResult = z.object({ status: sessionStatus });
