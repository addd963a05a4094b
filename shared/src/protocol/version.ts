/** Raised when a caller of the version before could no longer be served rightly; fields that are added do not count. */
export const PROTOCOL_VERSION = 1;

/** HTTP header in which a caller may say what program it is: 1 to 64 printable ASCII characters. Nothing depends on it. */
export const CLIENT_HEADER = "codex-authd-client";

/** HTTP header in which each side states its {@link PROTOCOL_VERSION}. */
export const PROTOCOL_HEADER = "codex-authd-protocol";
