/** Which Codex home a caller means, by upstream's rules (codex-cli 0.169), never by the daemon's own environment. */
import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { AuthError, type ChildEnvironment } from "@codex-authd/shared";

export interface SessionSelector {
  readonly codexHome?: string | undefined;
  readonly childEnvironment?: ChildEnvironment | undefined;
  readonly storage?: "auto" | "file" | "memory" | undefined;
  readonly sessionName?: string | undefined;
}

/**
 * `codexHome` of the caller, else `CODEX_HOME` and then `~/.codex` of its child environment, else the default session's.
 * The result is canonical: links are resolved as far as the folder exists.
 * @throws AuthError ERR_CONFIG_INVALID when a folder that was named does not exist or is none, as upstream refuses it
 */
export function resolveCodexHome(selector: SessionSelector, defaultHome: string): string {
  if (selector.codexHome) return existingFolder(selector.codexHome, "The Codex home is");
  const { cwd, variables } = selector.childEnvironment ?? {};
  if (cwd && variables?.CODEX_HOME)
    return existingFolder(resolve(cwd, variables.CODEX_HOME), "CODEX_HOME points to");
  if (variables?.HOME && isAbsolute(variables.HOME)) return canonical(join(variables.HOME, ".codex"));
  return canonical(defaultHome);
}

function existingFolder(path: string, subject: string): string {
  const problem = folderProblem(path);
  if (!problem) return canonical(path);
  throw new AuthError(
    "ERR_CONFIG_INVALID",
    `${subject} "${path}", but that path ${problem}. Create it, or name another one.`,
  );
}

function folderProblem(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : "is not a directory";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? "does not exist" : `cannot be used (${code})`;
  }
}

function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
