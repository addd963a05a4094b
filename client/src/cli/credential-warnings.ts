import type { Environment } from "@codex-authd/shared";

/** What makes Codex leave the login alone, and where (codex-cli 0.169). `OPENAI_API_KEY` does not. */
const OVERRIDES: Readonly<Record<string, string>> = {
  CODEX_ACCESS_TOKEN: "Codex takes this token",
  CODEX_API_KEY: "`codex exec` takes this key",
  OPENAI_FEDERATION_RULE_ID: "Codex takes the identity of its workload",
  OPENAI_IDENTITY_TOKEN_FILE: "Codex takes the identity of its workload",
};

/** One sentence for each variable that makes Codex ignore its login. */
export function credentialWarnings(env: Environment): string[] {
  return Object.entries(OVERRIDES)
    .filter(([name]) => env[name]?.trim())
    .map(([name, what]) => `${name} is set: ${what} instead of the login. Unset it to use the login.`);
}
