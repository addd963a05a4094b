import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeDurably } from "./durable-write.js";

/**
 * Which memory sessions hold a login, by a hash of their name, so that the next daemon can say what ended with this one.
 * Of the login itself nothing is on disk.
 */
export interface MemoryLogins {
  /** True when a daemon that has ended held a login of this name, and none was made or forgotten since. */
  hasEnded(name: string): boolean;
  /** A login of this name was made. */
  add(name: string): void;
  /** It was forgotten on purpose. */
  remove(name: string): void;
}

/** @param scope what tells one daemon's names from another's in the same file: its socket */
export function openMemoryLogins(
  path: string,
  scope: string,
  onFailure: (error: unknown) => void,
): MemoryLogins {
  const known = readHashes(path);
  const ended = new Set(known);
  const hashOf = (name: string): string => createHash("sha256").update(`${scope}\0${name}`).digest("hex");
  const save = (): void => {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeDurably(path, JSON.stringify([...known]));
    } catch (error) {
      onFailure(error);
    }
  };
  return {
    hasEnded: (name) => ended.has(hashOf(name)),
    add(name) {
      const hash = hashOf(name);
      ended.delete(hash);
      if (known.has(hash)) return;
      known.add(hash);
      save();
    },
    remove(name) {
      const hash = hashOf(name);
      ended.delete(hash);
      if (known.delete(hash)) save();
    },
  };
}

/** A missing or spoilt file only costs a sentence. */
function readHashes(path: string): Set<string> {
  try {
    const hashes: unknown = JSON.parse(readFileSync(path, "utf8"));
    return new Set(Array.isArray(hashes) ? hashes.filter((hash) => typeof hash === "string") : []);
  } catch {
    return new Set();
  }
}
