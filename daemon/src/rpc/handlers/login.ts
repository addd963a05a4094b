import { LOGIN_AWAIT_MAX_MS } from "@codex-authd/shared/schema";
import { beginLoginFlow, explainLogin, type LoginFlows } from "../../session/login-flows.js";
import type { Logins } from "../../session/logins.js";
import type { Sessions } from "../../session/sessions.js";
import type { Handlers } from "../handlers.js";

type LoginHandlers = Pick<
  Handlers,
  "login/await" | "login/begin" | "login/cancel" | "login/complete" | "login/explain"
>;

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
      const { flow, choice } = await beginLoginFlow(flows, session, { ...params, codexHome });
      const { reason, warnings, fallback } = choice;
      const loginId = logins.begin(session, flow).id;
      const { prompt, expiresAtMs } = flow;
      return { loginId, codexHome, expiresAtMs, reason, warnings: [...warnings], fallback, ...prompt };
    },
    "login/cancel": async ({ loginId }) => ({ cancelled: logins.cancel(loginId) }),
    "login/complete": ({ loginId, redirectUrl }) => logins.complete(loginId, redirectUrl),
    "login/explain": async (params) =>
      explainLogin(flows, await sessions.open(params), {
        ...params,
        codexHome: sessions.codexHomeOf(params),
      }),
  };
}
