/** Takes the address that a browser elsewhere ended on. It holds the authorization code, so it is never shown again. */
import { createInterface } from "node:readline";
import type { Output } from "./output.js";
import type { InputStream } from "./terminal.js";

/**
 * Reads lines until one is an address under `redirectUri`.
 * @returns undefined when the input ends before
 */
export async function readRedirectUrl(
  stdin: InputStream,
  redirectUri: string,
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const lines = createInterface({ input: stdin, terminal: false, signal });
  try {
    for await (const line of lines) {
      const url = line.trim();
      if (isRedirect(url, redirectUri)) return url;
      if (url !== "") output.note(`That is not it: the address begins with ${redirectUri}?`);
    }
    return undefined;
  } finally {
    lines.close();
  }
}

function isRedirect(url: string, redirectUri: string): boolean {
  return url.startsWith(`${redirectUri}?`) && URL.canParse(url);
}
