/** Raised when a caller of the version before could no longer be served rightly; fields that are added do not count. */
export const PROTOCOL_VERSION = 1;

/** HTTP header in which each side states its {@link PROTOCOL_VERSION}. */
export const PROTOCOL_HEADER = "codex-authd-protocol";
