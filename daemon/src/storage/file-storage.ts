import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AuthError, type Clock, sleep } from "@codex-authd/shared";
import { readRegularFile } from "../regular-file.js";
import { type AuthJson, parseAuthJson, serializeAuthJson, withLogin } from "./auth-json.js";
import { withCodexLocks } from "./codex-lock.js";
import { createDroppedFields, type DroppedFields } from "./dropped-fields.js";
import { removeLeftovers, syncFolder, writeDurably } from "./durable-write.js";
import type { Grant, GrantStorage } from "./grant-storage.js";
import { type Change, type DocumentPlace, storedDocument } from "./stored-document.js";
import { watchFile } from "./watcher.js";

/** A file that is torn (another process truncates and writes) is read again this often before it is called corrupt. */
const TORN_READS = 6;

/** Pause between those reads: together longer than any write of 4 kB takes. */
const TORN_PAUSE_MS = 40;

/**
 * The session in `$CODEX_HOME/auth.json`, in upstream's format, under upstream's locks. A link is followed and kept: what
 * is read, written and removed is the real file.
 * @param dropped what to remember of the login; default: what is seen here
 */
export function createFileStorage(
  codexHome: string,
  clock: Clock,
  dropped: DroppedFields = createDroppedFields(),
): GrantStorage {
  const commit = <T>(write: (realFile: string) => T): Promise<T> => {
    const realFile = authJsonLocation(codexHome);
    return withCodexLocks({ codexHome, realFile }, clock, () => write(realFile)).catch((error) => {
      throw unavailable(error, realFile, "written");
    });
  };
  const document: DocumentPlace = {
    load: () => loadSettled(authJsonLocation(codexHome), clock),
    replace: (change) => commit((realFile) => replaceDocument(realFile, change)),
  };
  return {
    ...storedDocument(document, dropped),
    kind: "file",
    location: authJsonLocation(codexHome),
    // Under the locks, which could be somebody else's too.
    checkWritable: () => commit(checkWritable),
    saveLogin: (grant) => commit((realFile) => saveLogin(realFile, grant)),
    remove: () => commit(removeFile),
    tidy: () => removeLeftovers(dirname(authJsonLocation(codexHome))),
    watch: (onChange) => watchFile({ path: join(codexHome, "auth.json"), clock, onChange }),
  };
}

/**
 * The real auth.json of a Codex home, links resolved, whether or not it exists: also where a link points to nothing yet.
 * Two homes linked to one file share it.
 */
export function authJsonLocation(codexHome: string): string {
  const path = join(realpathOr(codexHome) ?? codexHome, "auth.json");
  return realpathOr(path) ?? linkTarget(path) ?? path;
}

function realpathOr(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return undefined;
  }
}

async function loadSettled(path: string, clock: Clock): Promise<AuthJson | undefined> {
  for (let read = 1; ; read += 1) {
    try {
      return loadDocument(path);
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== "ERR_STORAGE_CORRUPT" || read === TORN_READS)
        throw error;
      await sleep(clock, TORN_PAUSE_MS);
    }
  }
}

function loadDocument(path: string): AuthJson | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseAuthJson(text, path);
}

function readText(path: string): string | undefined {
  try {
    return readRegularFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unavailable(error, path, "read");
  }
}

function saveLogin(realFile: string, grant: Grant): void {
  mkdirSync(dirname(realFile), { recursive: true, mode: 0o700 });
  writeDurably(realFile, serializeAuthJson(withLogin(documentToReplace(realFile), grant)));
}

/** What a new login replaces. A file that nobody understands is kept beside it, for it may be somebody's only copy. */
function documentToReplace(realFile: string): AuthJson | undefined {
  try {
    return loadDocument(realFile);
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== "ERR_STORAGE_CORRUPT") throw error;
    copyFileSync(realFile, `${realFile}.corrupt`);
    return undefined;
  }
}

function replaceDocument(realFile: string, change: Change): AuthJson | undefined {
  const document = loadDocument(realFile);
  const next = document && change(document);
  if (next) writeDurably(realFile, serializeAuthJson(next));
  return next;
}

function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  syncFolder(dirname(path));
  return true;
}

/** What would make the write fail, or harm somebody, is found before a token is spent. */
function checkWritable(realFile: string): void {
  accessSync(dirname(realFile), constants.W_OK | constants.X_OK);
  const stats = statSync(realFile, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isFile()) throw notAFile(realFile);
  if (stats.nlink > 1) throw hardLinked(realFile, stats.nlink);
  if (stats.uid !== process.getuid?.()) throw foreign(realFile, stats.uid);
  accessSync(realFile, constants.R_OK | constants.W_OK);
}

function notAFile(path: string): AuthError {
  return new AuthError(
    "ERR_STORAGE_UNAVAILABLE",
    `${path} is there and is no file. Move it away, or use another Codex home.`,
  );
}

function foreign(path: string, uid: number): AuthError {
  return new AuthError(
    "ERR_STORAGE_UNAVAILABLE",
    `${path} belongs to another user (uid ${uid}), and replacing it would take it away from them. Give it to yours with chown.`,
  );
}

function hardLinked(path: string, count: number): AuthError {
  return new AuthError(
    "ERR_STORAGE_UNAVAILABLE",
    `${path} has ${count} hard links, and replacing it would leave the others with a spent token. ` +
      "Remove the other names (a symbolic link is fine).",
  );
}

function unavailable(error: unknown, path: string, verb: "read" | "written"): AuthError {
  if (error instanceof AuthError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  return new AuthError("ERR_STORAGE_UNAVAILABLE", `${path} cannot be ${verb} (${code}). ${cureFor(code)}`, {
    cause: error,
  });
}

function cureFor(code: string): string {
  if (code === "ENOSPC" || code === "EDQUOT") return "Free some disk space; the write is tried again.";
  if (code === "EROFS") return "The file system is read-only: remount it, or use another Codex home.";
  if (code === "EACCES" || code === "EPERM")
    return "Give your user read and write permission on it and on its folder.";
  if (code === "EMFILE" || code === "ENFILE")
    return "Raise the limit of open files (ulimit -n) and restart the daemon.";
  return "Mend what the code in parentheses names; nothing is lost meanwhile.";
}
