/** Codex beside us: whether it will use the login, and whether it may spend it. */
import { type Check, type Examination, type Finding, problem, warning } from "./finding.js";
import { runQuietly } from "./quiet-run.js";

/** From here on Codex takes locks around its writes and reads what others wrote (codex-cli 0.169). */
const CODEX_FLOOR = [0, 169] as const;

/** Variables that make Codex use another credential, or send the login's tokens elsewhere (codex-cli 0.169). */
const OVERRIDES: readonly (readonly [name: string, effect: string, level: "problem" | "warning"])[] = [
  ["CODEX_ACCESS_TOKEN", "Codex uses it instead of the login, also when it is no good", "warning"],
  ["CODEX_API_KEY", "`codex exec` uses it instead of the login", "warning"],
  ["CODEX_REFRESH_TOKEN_URL_OVERRIDE", "Codex sends refresh tokens to the address in it", "problem"],
  ["CODEX_REVOKE_TOKEN_URL_OVERRIDE", "Codex sends tokens to the address in it when it logs out", "problem"],
  ["OPENAI_FEDERATION_RULE_ID", "Codex uses a workload identity instead of the login", "warning"],
  ["OPENAI_IDENTITY_TOKEN_FILE", "Codex uses a workload identity instead of the login", "warning"],
];

export const codexChecks: Check = async (examination) => [
  ...overrides(examination),
  ...(await oldCodex(examination)),
];

function overrides({ env }: Examination): Finding[] {
  return OVERRIDES.filter(([name]) => env[name]).map(([name, effect, level]) => {
    const found = level === "problem" ? problem : warning;
    return found(
      `override-${name.toLowerCase().replaceAll("_", "-")}`,
      `${name} is set: ${effect}.`,
      `Unset ${name} if you want the login to be used.`,
    );
  });
}

async function oldCodex({ env }: Examination): Promise<Finding[]> {
  const { code, stdout } = await runQuietly(["codex", "--version"], env);
  const version = code === 0 ? /(\d+)\.(\d+)\.\d+/.exec(stdout) : null;
  if (!version) return [];
  const [text, major, minor] = version;
  const isOld = Number(major) === CODEX_FLOOR[0] && Number(minor) < CODEX_FLOOR[1];
  if (!isOld) return [];
  const words = `The Codex on PATH is version ${text}, which takes no locks and rewrites auth.json in place: beside others it can lose the login.`;
  return [warning("codex-too-old", words, `Upgrade it to ${CODEX_FLOOR.join(".")} or newer.`)];
}
