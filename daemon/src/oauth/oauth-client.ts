/** Who we are to an issuer: a public client and native app (RFC 6749 §2.1, RFC 8252). */
export interface OAuthClient {
  /** Without a trailing slash. */
  readonly issuer: string;
  readonly clientId: string;
  readonly originator: string;
  readonly userAgent: string;
}

/** Issuer of codex-cli 0.169. */
export const DEFAULT_ISSUER = "https://auth.openai.com";

/** `client_id` of codex-cli 0.169. */
export const DEFAULT_CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";

/** `originator` of codex-cli 0.169 outside of its app-server. */
export const DEFAULT_ORIGINATOR = "codex_cli_rs";

/** `scope` that codex-cli 0.169 asks for. */
export const SCOPE = "openid profile email offline_access api.connectors.read api.connectors.invoke";
