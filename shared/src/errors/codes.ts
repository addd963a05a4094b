/**
 * The closed list of errors, one row each. `docs/errors.md` says the same in prose, and a test holds the two together.
 * JSON-RPC numbers are ours to choose outside −32768…−32000 and never change meaning.
 */

export interface ErrorRow {
  /** JSON-RPC error number. */
  readonly number: number;
  /** True when the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  readonly meaning: string;
  /** What the person, or the program, does next. */
  readonly remedy: string;
}

/** Errors that may cross the socket, sorted by code. */
export const AUTH_ERRORS = {
  ERR_ACCOUNT_MISMATCH: {
    number: 1001,
    retryable: false,
    meaning: "The session now belongs to another account than the caller named.",
    remedy: "Run `codex-auth status` to see the account, and start again with it.",
  },
  ERR_CALLBACK_PORT_IN_USE: {
    number: 1002,
    retryable: true,
    meaning: "No port for the loopback redirect of a browser login is free.",
    remedy: "End the other login, or log in with `codex-auth login --device`.",
  },
  ERR_CALLER_REFUSED: {
    number: 1003,
    retryable: false,
    meaning: "The daemon does not serve this caller: a web page, a foreign Host, or too many connections.",
    remedy: "Call the socket as a local program, with Host `localhost` and no Origin or Referer.",
  },
  ERR_CONFIG_INVALID: {
    number: 1004,
    retryable: false,
    meaning: "A setting, a path or a Codex home that was given cannot be used.",
    remedy: "Correct the value that the message names.",
  },
  ERR_ISSUER_NOT_TRUSTED: {
    number: 1005,
    retryable: false,
    meaning:
      "auth.json names an issuer that the configuration does not trust, so its refresh token is not sent there.",
    remedy: "Add the issuer to `trusted_issuers` in config.toml if it is yours, or log in again.",
  },
  ERR_ISSUER_RESPONSE: {
    number: 1006,
    retryable: true,
    meaning: "The issuer answered something that is not a usable response.",
    remedy: "Try again; if it stays, look at the proxy between here and the issuer.",
  },
  ERR_ISSUER_UNAVAILABLE: {
    number: 1007,
    retryable: true,
    meaning: "The issuer could not be reached, or says that it cannot answer now.",
    remedy: "Check the network and try again later; a token that is still valid is served meanwhile.",
  },
  ERR_LOGIN_CANCELLED: {
    number: 1008,
    retryable: false,
    meaning: "The login was cancelled, here or by a newer one, or the daemon stopped.",
    remedy: "Run `codex-auth login` again.",
  },
  ERR_LOGIN_DENIED: {
    number: 1009,
    retryable: false,
    meaning: "The issuer, or the person at the browser, refused the login.",
    remedy: "Read the issuer's words in the message, and run `codex-auth login` again.",
  },
  ERR_LOGIN_EXPIRED: {
    number: 1010,
    retryable: false,
    meaning: "Nobody finished the login in time.",
    remedy: "Run `codex-auth login` again.",
  },
  ERR_LOGIN_NOT_FOUND: {
    number: 1011,
    retryable: false,
    meaning: "There is no such pending login; it ended, or the daemon was restarted.",
    remedy: "Run `codex-auth login` again.",
  },
  ERR_LOGIN_NOT_INTERACTIVE: {
    number: 1012,
    retryable: false,
    meaning: "A login would need a person, and the caller said that there is none.",
    remedy: "Run `codex-auth login` in a terminal first.",
  },
  ERR_LOGIN_REQUIRED: {
    number: 1013,
    retryable: false,
    meaning: "There is no login to take a token from.",
    remedy: "Run `codex-auth login`.",
  },
  ERR_NOT_MANAGED: {
    number: 1014,
    retryable: false,
    meaning:
      "The credential is none that this daemon refreshes: an API key, external tokens, or a login that another daemon owns.",
    remedy:
      "Use the credential as it is, run `codex-auth login` to replace it, or ask the daemon that owns it.",
  },
  ERR_RATE_LIMITED: {
    number: 1015,
    retryable: true,
    meaning: "Refreshes of this session were asked for too quickly one after another.",
    remedy: "Use the token you have, and ask again in some seconds.",
  },
  ERR_REFRESH_REJECTED: {
    number: 1016,
    retryable: false,
    meaning: "The issuer will not accept the refresh token any more: the login has ended.",
    remedy: "Run `codex-auth login`.",
  },
  ERR_STORAGE_CORRUPT: {
    number: 1017,
    retryable: false,
    meaning: "auth.json, or the keyring's entry, is there but cannot be understood.",
    remedy:
      "Repair the file that the message names, or run `codex-auth login` to replace it (a copy is kept).",
  },
  ERR_STORAGE_UNAVAILABLE: {
    number: 1018,
    retryable: true,
    meaning: "The store of the login, auth.json or the keyring, cannot be read or written.",
    remedy:
      "Free the disk, mend the permissions or unlock the keyring, as the message says; nothing is lost meanwhile.",
  },
  ERR_WORKSPACE_NOT_ALLOWED: {
    number: 1019,
    retryable: false,
    meaning: "The login is for a workspace that `forced_chatgpt_workspace_id` does not allow.",
    remedy: "Log in with an account of the allowed workspace.",
  },
} as const satisfies Record<string, ErrorRow>;

/** Errors of the client's own side, which never cross the socket, sorted by code. */
export const CLIENT_ERRORS = {
  ERR_APP_SERVER_ENDED: {
    meaning: "The app-server ended, or its connection was closed, before it answered.",
    remedy: "Look at the end of its stderr in the message, and start it again.",
  },
  ERR_APP_SERVER_NOT_STARTED: {
    meaning: "The app-server could not be started, or did not answer `initialize`.",
    remedy: "Install Codex, or name its program; the message says what was tried.",
  },
  ERR_DAEMON_NOT_RUNNING: {
    meaning: "No daemon answers on the socket, and none could be started.",
    remedy: "Run `codex-authd` in a terminal to see why it does not start.",
  },
  ERR_DAEMON_TIMEOUT: {
    meaning: "The daemon did not answer in time. It may be alive and busy: it is not restarted.",
    remedy: "Try again; look at `codex-auth daemon status` and the daemon's log.",
  },
  ERR_DAEMON_VERSION: {
    meaning: "The daemon speaks another version of the protocol than this client.",
    remedy: "Upgrade the side that the message names, then restart the daemon with `codex-auth daemon stop`.",
  },
  ERR_SERVICE_MANAGER: {
    meaning: "The service manager cannot be reached, or refused; or a file that is not ours is in the way.",
    remedy: "Do what the message says. Without a service, `codex-auth` starts the daemon when it is needed.",
  },
} as const;

export type AuthErrorCode = keyof typeof AUTH_ERRORS;
export type ClientErrorCode = keyof typeof CLIENT_ERRORS;
