import type { ServerResponse } from "node:http";
import type { CallContext } from "./handlers.js";

/** The context of a call that `response` will answer. The signal is made when it is first asked for: most calls never do. */
export function callContext(response: ServerResponse): CallContext {
  let signal: AbortSignal | undefined;
  return {
    get signal() {
      signal ??= abortedOnHangUp(response);
      return signal;
    },
  };
}

function abortedOnHangUp(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.closed) abort();
  else response.once("close", abort);
  return controller.signal;
}
