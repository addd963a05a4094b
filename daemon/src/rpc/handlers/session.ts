import { explainCredential } from "../../session/credential-explanation.js";
import { withPolicyWarnings } from "../../session/login-policy.js";
import type { Sessions } from "../../session/sessions.js";
import type { Handlers } from "../handlers.js";
import { openSession } from "./open-session.js";

type SessionHandlers = Pick<
  Handlers,
  "session/explain" | "session/list" | "session/logout" | "session/refresh" | "session/status"
>;

export function createSessionHandlers(sessions: Sessions): SessionHandlers {
  return {
    "session/explain": async (params) => explainCredential(sessions, params),
    "session/list": async () => ({ sessions: sessions.list().map((session) => session.status()) }),
    "session/logout": async (params, context) =>
      (await openSession(sessions, params, context)).logout(params.revoke ?? false),
    "session/refresh": async (params, context) =>
      (await openSession(sessions, params, context)).refresh(params.rejectedToken),
    "session/status": async (params) =>
      withPolicyWarnings(await (await sessions.open(params)).freshStatus(), sessions.configPlaceOf(params)),
  };
}
