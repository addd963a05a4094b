/** Files that a service manager reads. Ours have a line that says so; any other is somebody's, and is left alone. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ClientError } from "../../client-error.js";

/** In every file that we write. */
export const MARK = "Written by `codex-auth service install`, which overwrites it.";

export interface ServiceFile {
  readonly path: string;
  readonly text: string;
}

export interface FileChange {
  readonly path: string;
  readonly change: "created" | "updated" | "unchanged" | "removed" | "absent";
}

/**
 * What writing the files would change.
 * @throws ClientError ERR_SERVICE_MANAGER when one of them is there and not ours
 */
export async function planWriting(files: readonly ServiceFile[]): Promise<FileChange[]> {
  return Promise.all(
    files.map(async ({ path, text }) => {
      const there = await ownText(path);
      if (there === undefined) return { path, change: "created" };
      return { path, change: there === text ? "unchanged" : "updated" };
    }),
  );
}

/**
 * What removing the files would change.
 * @throws ClientError ERR_SERVICE_MANAGER when one of them is there and not ours
 */
export async function planRemoving(files: readonly ServiceFile[]): Promise<FileChange[]> {
  return Promise.all(
    files.map(async ({ path }) => ({
      path,
      change: (await ownText(path)) === undefined ? "absent" : "removed",
    })),
  );
}

/** Does what was planned. */
export async function carryOut(changes: readonly FileChange[], files: readonly ServiceFile[]): Promise<void> {
  for (const { path, change } of changes) {
    if (change === "removed") await rm(path, { force: true });
    const text = files.find((file) => file.path === path)?.text;
    if (text === undefined || !(change === "created" || change === "updated")) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o644 });
  }
}

/** Whether the file is there, whoever wrote it. */
export async function isThere(path: string): Promise<boolean> {
  return (await textOf(path)) !== undefined;
}

async function ownText(path: string): Promise<string | undefined> {
  const text = await textOf(path);
  if (text === undefined || text.includes(MARK)) return text;
  throw new ClientError(
    "ERR_SERVICE_MANAGER",
    `${path} is there and was not written by codex-auth, so it is left alone. Move it away, or manage the service by it.`,
  );
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
