import type { Sessions } from "../../session/sessions.js";
import type { Handlers } from "../handlers.js";

export function createTokenHandlers(sessions: Sessions): Pick<Handlers, "token/get"> {
  return {
    "token/get": async (params) => (await sessions.open(params)).getToken(params),
  };
}
