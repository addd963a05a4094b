/** The repository that a folder belongs to, as upstream tells it for trust (codex-cli 0.169); no `git` is run. */
import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readRegularFile } from "../regular-file.js";

/**
 * Root of the main checkout that `root` is the root of, or a linked worktree of. `undefined`: no repository, or a `.git`
 * file that names one which knows nothing of it: otherwise any folder could borrow the trust of another.
 */
export function mainCheckout(root: string): string | undefined {
  const dotGit = join(root, ".git");
  const stats = statSync(dotGit, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (stats.isDirectory()) return root;
  const worktree = worktreeFolder(dotGit);
  if (!worktree || basename(dirname(worktree)) !== "worktrees") return undefined;
  const gitFolder = dirname(dirname(worktree));
  const isKnown =
    isSamePlace(pointer(worktree, "gitdir"), dotGit) &&
    isSamePlace(pointer(worktree, "commondir"), gitFolder);
  return isKnown ? dirname(gitFolder) : undefined;
}

/** What a `.git` file points to: `<main checkout>/.git/worktrees/<name>` in a linked worktree. */
function worktreeFolder(dotGit: string): string | undefined {
  const target = /^gitdir:\s*(.+)$/m.exec(textOf(dotGit) ?? "")?.[1]?.trim();
  return target && resolve(dirname(dotGit), target);
}

function pointer(folder: string, name: string): string | undefined {
  const target = textOf(join(folder, name))?.trim();
  return target && resolve(folder, target);
}

function isSamePlace(one: string | undefined, other: string): boolean {
  try {
    return one !== undefined && realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readRegularFile(path);
  } catch {
    return undefined;
  }
}
