import { LOGIN_AWAIT_MAX_MS } from "@codex-authd/shared/schema";
import { beginLoginFlow, type LoginFlows } from "../../session/login-flows.js";
import type { Logins } from "../../session/logins.js";
import type { Sessions } from "../../session/sessions.js";
import type { Handlers } from "../handlers.js";

type LoginHandlers = Pick<Handlers, "login/await" | "login/begin" | "login/cancel" | "login/complete">;

export interface LoginHandlerParts {
  readonly sessions: Sessions;
  readonly logins: Logins;
  readonly flows: LoginFlows;
}

export function createLoginHandlers({ sessions, logins, flows }: LoginHandlerParts): LoginHandlers {
  return {
    "login/await": ({ loginId, timeoutMs = LOGIN_AWAIT_MAX_MS }, { signal }) =>
      logins.await(loginId, timeoutMs, signal),
    "login/begin": async (params) => {
      const session = await sessions.open(params);
      const codexHome = sessions.codexHomeOf(params);
      const attempt = logins.begin(session, await beginLoginFlow(flows, session, { ...params, codexHome }));
      const { prompt, expiresAtMs } = attempt.flow;
      return { loginId: attempt.id, codexHome, expiresAtMs, ...prompt };
    },
    "login/cancel": async ({ loginId }) => ({ cancelled: logins.cancel(loginId) }),
    "login/complete": ({ loginId, redirectUrl }) => logins.complete(loginId, redirectUrl),
  };
}
