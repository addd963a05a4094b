/** Takes the address that a browser elsewhere ended on. It holds the authorization code, so it is never shown again. */
import { createInterface } from "node:readline";
import { AuthError } from "@codex-authd/shared";
import type { Output } from "./output.js";
import type { InputStream } from "./terminal.js";

export interface PasteOptions {
  readonly redirectUri: string;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Gives the address to the daemon; ERR_LOGIN_NOT_FOUND means that it is none of this login. */
  readonly complete: (redirectUrl: string) => Promise<unknown>;
}

/** Reads lines until one of them completed the login, or the input ends. What is not the right address ends nothing. */
export async function completeFromInput(stdin: InputStream, options: PasteOptions): Promise<void> {
  const lines = createInterface({ input: stdin, terminal: false, signal: options.signal });
  try {
    for await (const line of lines) {
      if (await isAccepted(line.trim(), options)) return;
    }
  } finally {
    lines.close();
  }
}

async function isAccepted(url: string, { redirectUri, output, complete }: PasteOptions): Promise<boolean> {
  if (!url.startsWith(`${redirectUri}?`) || !URL.canParse(url)) {
    if (url !== "") output.note(`That is not it: the address begins with ${redirectUri}?`);
    return false;
  }
  try {
    await complete(url);
    return true;
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== "ERR_LOGIN_NOT_FOUND") throw error;
    output.note(error.message);
    return false;
  }
}
