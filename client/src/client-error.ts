import { CLIENT_ERRORS, type ClientErrorCode } from "@codex-authd/shared";

/** A failure of the client's own side: the daemon could not be asked, or not be understood. Never crosses the socket. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;

  /** @param message what happened and what to do next; without it, the catalogue's words */
  constructor(code: ClientErrorCode, message?: string, options?: { readonly cause?: unknown }) {
    const { meaning, remedy } = CLIENT_ERRORS[code];
    super(message ?? `${meaning} ${remedy}`, options);
    this.code = code;
  }
}
