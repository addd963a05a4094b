/** Which folders of a project may configure Codex: from the project's root down to the cwd, where the user trusts them. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { mainCheckout } from "./git-repository.js";

/** What the system's and the user's configuration say of projects. A project's own says nothing of it. */
export const projectRules = z.looseObject({
  project_root_markers: z.array(z.string()).default([".git"]),
  projects: z
    .record(z.string(), z.looseObject({ trust_level: z.enum(["trusted", "untrusted"]).optional() }))
    .default({}),
});

export type ProjectRules = z.output<typeof projectRules>;

export interface ProjectFolder {
  readonly path: string;
  readonly isTrusted: boolean;
}

/**
 * The folders from the root of the project to `cwd`, in this order. The root is the nearest folder with one of the markers,
 * else `cwd` itself. The trust of a folder is its own, else the root's, else that of the repository's main checkout.
 */
export function projectFolders(
  cwd: string,
  { project_root_markers, projects }: ProjectRules,
): ProjectFolder[] {
  const lineage = ancestors(cwd);
  const rootAt = lineage.findIndex((folder) =>
    project_root_markers.some((name) => existsSync(join(folder, name))),
  );
  const folders = lineage.slice(0, Math.max(rootAt, 0) + 1);
  const checkout = lineage.find((folder) => existsSync(join(folder, ".git")));
  const beyond = [folders.at(-1), checkout && mainCheckout(checkout)];
  const isTrusted = (folder: string): boolean => {
    const keys = [folder, ...beyond].flatMap((path) => (path === undefined ? [] : namesOf(path)));
    const decisive = keys.find((key) => projects[key]?.trust_level !== undefined);
    return decisive !== undefined && projects[decisive]?.trust_level === "trusted";
  };
  return folders.map((path) => ({ path, isTrusted: isTrusted(path) })).reverse();
}

/** `path` and every folder above it. */
function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...ancestors(parent)];
}

/** The names by which the user may have listed a folder: with its links resolved, or as it is called here. */
function namesOf(path: string): string[] {
  try {
    return [...new Set([realpathSync(path), path])];
  } catch {
    return [path];
  }
}
