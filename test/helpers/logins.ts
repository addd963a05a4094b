import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthorizationServer, TestUser } from "./authorization-server.js";

/** auth.json as another process sees it. */
export function readAuthJson(home: string): {
  auth_mode?: string;
  OPENAI_API_KEY: string | null;
  tokens: { id_token: string; access_token: string; refresh_token: string; account_id: string | null };
  last_refresh: string;
} {
  return JSON.parse(readFileSync(join(home, "auth.json"), "utf8"));
}

/** Writes a login that `issuer` knows into a Codex home, as upstream would. */
export function writeLogin(home: string, issuer: AuthorizationServer, user?: TestUser): void {
  const tokens = issuer.issueTokens(user);
  const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString());
  const document = {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: tokens.id_token,
      access_token: tokens.access_token,
      refresh_token: tokens.refresh_token,
      oauth_provenance: { issuer: issuer.url, client_id: "app_EMoamEEZ73f0CkXaXp7hrann" },
      login_owner_id: "b3duZXI",
      account_id: claims["https://api.openai.com/auth"].chatgpt_account_id,
    },
    last_refresh: new Date().toISOString(),
  };
  writeFileSync(join(home, "new-auth.json"), JSON.stringify(document, null, 2), { mode: 0o600 });
  renameSync(join(home, "new-auth.json"), join(home, "auth.json"));
}
