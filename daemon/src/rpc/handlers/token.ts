import type { Sessions } from "../../session/sessions.js";
import type { Handlers } from "../handlers.js";
import { openSession } from "./open-session.js";

export function createTokenHandlers(sessions: Sessions): Pick<Handlers, "token/get"> {
  return {
    "token/get": async (params, context) => (await openSession(sessions, params, context)).getToken(params),
  };
}
