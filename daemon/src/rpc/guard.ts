import type { IncomingHttpHeaders } from "node:http";
import { AuthError } from "@codex-authd/shared";

/** What a local program says; a web page that was tricked into speaking to us says its own name. No port. */
const HOSTS: ReadonlySet<string> = new Set(["localhost", "codex-authd"]);

/** Headers that browsers add and local programs have no use for. */
const BROWSER_HEADERS = ["origin", "referer"] as const;

/** Why this caller is not served (ERR_CALLER_REFUSED), or `undefined`. */
export function refusalOf(headers: IncomingHttpHeaders): AuthError | undefined {
  const sent = BROWSER_HEADERS.find((name) => headers[name] !== undefined);
  if (sent) return refused(`a request with the header ${sent} comes from a web page. Call without it`);
  if (HOSTS.has(headers.host?.toLowerCase() ?? "")) return undefined;
  return refused("the Host is not `localhost`. Call http://localhost/ over the socket");
}

function refused(why: string): AuthError {
  return new AuthError("ERR_CALLER_REFUSED", `Refused: ${why}.`);
}
