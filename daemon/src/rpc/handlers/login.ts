import { LOGIN_AWAIT_MAX_MS } from "@codex-authd/shared/schema";
import { beginLoginFlow, explainLogin, type LoginFlows } from "../../session/login-flows.js";
import type { Logins } from "../../session/logins.js";
import type { Sessions } from "../../session/sessions.js";
import type { Handlers } from "../handlers.js";
import { openSession } from "./open-session.js";

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
    "login/begin": async (params, context) => {
      const session = await openSession(sessions, params, context);
      const codexHome = sessions.codexHomeOf(params);
      const { flow, choice } = await beginLoginFlow(flows, session, { ...params, codexHome });
      const { reason, warnings, fallback } = choice;
      const loginId = logins.begin(session, flow).id;
      context.subject.loginId = loginId;
      const { prompt, expiresAtMs } = flow;
      return { loginId, codexHome, expiresAtMs, reason, warnings: [...warnings], fallback, ...prompt };
    },
    "login/cancel": async ({ loginId }, { subject }) => {
      subject.loginId = loginId;
      return { cancelled: logins.cancel(loginId) };
    },
    "login/complete": ({ loginId, redirectUrl }, { subject }) => {
      subject.loginId = loginId;
      return logins.complete(loginId, redirectUrl);
    },
    "login/explain": async (params) =>
      explainLogin(flows, await sessions.open(params), {
        ...params,
        codexHome: sessions.codexHomeOf(params),
      }),
  };
}
