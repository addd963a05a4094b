/** Whole processes, from their start to their end, as a shell pays for them. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const CODEX_AUTH = fileURLToPath(new URL("../../client/dist/cli/codex-auth.cjs", import.meta.url));

export const EMPTY_PROGRAM: readonly string[] = ["-e", "0"];
export const TOKEN_PROGRAM: readonly string[] = [CODEX_AUTH, "token"];

/** Milliseconds that one run of a Node program takes. */
export function measureProgram(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const beganAtMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env });
  const takenMs = performance.now() - beganAtMs;
  if (status !== 0) throw new Error(`node ${args.join(" ")} exited with ${status}: ${stderr}`);
  return takenMs;
}
