import { z } from "zod";
import { loginFlow, sessionStatus } from "./session.js";

/** First event of a stream: everything, as of `generation`. */
export const snapshotEvent = z.object({ generation: z.number().int(), sessions: z.array(sessionStatus) });

const identity = z.object({ accountId: z.string().nullable(), email: z.string().nullable() });

export const sessionChangedEvent = z.object({
  cause: z.enum([
    "login",
    "refresh",
    "adoption",
    "logout",
    "fileGone",
    "refusal",
    "deferral",
    "storage",
    "daemonStopping",
  ]),
  session: sessionStatus,
  previousAccount: identity
    .nullable()
    .describe("The account that the session had before, when it is another one now."),
});

export const loginChangedEvent = z.object({
  loginId: z.string(),
  codexHome: z.string(),
  flow: loginFlow,
  state: z.enum(["pending", "loggedIn", "failed"]),
  code: z.string().nullable().describe("Error code when failed."),
  message: z.string().nullable().describe("What happened and what to do next, when failed."),
});

/** SSE event name → schema of its data. */
export const EVENTS = {
  snapshot: snapshotEvent,
  "session/changed": sessionChangedEvent,
  "login/changed": loginChangedEvent,
} as const;
