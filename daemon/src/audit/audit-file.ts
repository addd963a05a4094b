/**
 * The audit trail: one JSON object a line, in a file of 0600 that is put aside when it is full. Entries are taken at once and
 * written behind, many at a time, so that no caller waits for the disk.
 */
import { constants } from "node:fs";
import { appendFile, lstat, mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "@codex-authd/shared";
import type { Audit, AuditEntry } from "../rpc/audit.js";

/** Some 4000 entries. With the one that was put aside, twice as many are kept. */
const FILE_MAX_BYTES = 1_048_576;

/** Entries that wait while the disk hangs; further ones are lost, and that is told. */
const WAITING_MAX = 4_000;

/** Entries of so long are written together: one write for each would cost a busy daemon half its calls. */
const WRITE_DELAY_MS = 100;

/** A link in its place would have us write into somebody else's file. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW;

export interface AuditFile extends Audit {
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AuditFileOptions {
  readonly clock: Clock;
  /** Told once when the trail cannot be kept, and again when that happens after it could. */
  readonly onFailure: (error: unknown) => void;
  /** Bytes after which the file is put aside. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** @param path absolute; `.1` behind it names the file that was put aside */
export function openAuditFile(path: string, options: AuditFileOptions): AuditFile {
  const { clock, onFailure, maxBytes = FILE_MAX_BYTES } = options;
  const lineOf = createLineOf();
  let waiting: string[] = [];
  let writing: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;
  let isFailing = false;

  function failed(error: unknown): void {
    if (!isFailing) onFailure(error);
    isFailing = true;
  }

  function writeSoon(): void {
    cancelTimer ??= clock.setTimer(WRITE_DELAY_MS, startWriting);
  }

  function startWriting(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (waiting.length > 0) writing ??= write();
  }

  /** What comes meanwhile waits its time too: else a busy daemon would write without end. */
  async function write(): Promise<void> {
    const lines = waiting;
    waiting = [];
    try {
      await append(path, lines.join(""), maxBytes);
      isFailing = false;
    } catch (error) {
      failed(error);
    }
    writing = null;
    if (waiting.length > 0) writeSoon();
  }

  return {
    record(entry) {
      if (waiting.length >= WAITING_MAX)
        return failed(new Error("The disk is too slow for the audit trail."));
      waiting.push(lineOf(entry, clock.now()));
      writeSoon();
    },
    async close() {
      await writing;
      startWriting();
      await writing;
    },
  };
}

type Caller = NonNullable<AuditEntry["caller"]>;

/** The fields in the order in which they are read. Most calls come from callers of before, whose part is written already. */
function createLineOf(): (entry: AuditEntry, nowMs: number) => string {
  const written = new WeakMap<Caller, string>();
  const partOf = (caller: Caller): string => {
    const part = written.get(caller) ?? `${fieldsOf(caller)},`;
    written.set(caller, part);
    return part;
  };
  return ({ caller, ...what }, nowMs) => {
    const time = new Date(nowMs).toISOString();
    return `{"time":"${time}",${caller ? partOf(caller) : ""}${fieldsOf(what)}}\n`;
  };
}

/** An object's JSON without its braces. */
function fieldsOf(value: object): string {
  return JSON.stringify(value).slice(1, -1);
}

async function append(path: string, text: string, maxBytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if ((await sizeOf(path)) + Buffer.byteLength(text) > maxBytes) await putAside(path);
  await appendFile(path, text, { mode: 0o600, flag: APPEND });
}

async function sizeOf(path: string): Promise<number> {
  return lstat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function putAside(path: string): Promise<void> {
  await rename(path, `${path}.1`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}
