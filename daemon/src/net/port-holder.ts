/** Which process listens on a port of this machine, so that a message can name it. */
import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

export interface PortHolder {
  /** Name of the program and its process, where the system tells them: not those of another user. */
  readonly program?: { readonly name: string; readonly pid: number };
  /** User id, when it is not ours. */
  readonly uid?: number;
}

/** Looks for whoever listens on 127.0.0.1:`port`. Never throws; `undefined` when nothing is to be seen. */
export type FindPortHolder = (port: number) => Promise<PortHolder | undefined>;

export interface PortHolderOptions {
  readonly platform?: NodeJS.Platform;
  /** Our own user id. */
  readonly uid?: number;
  /** Where Linux tells of processes and sockets. */
  readonly procFolder?: string;
  /** Runs a program and answers its stdout. */
  readonly run?: (program: string, args: readonly string[]) => Promise<string>;
}

/** `lsof` may hang on a network file system. */
const LSOF_DEADLINE_MS = 3_000;

/** Enough for a program's name in a sentence. */
const NAME_MAX_LENGTH = 40;

/** Addresses that keep 127.0.0.1 from being listened on, as /proc/net/tcp and tcp6 write them. */
const CONFLICTING_ADDRESSES = [
  "0100007F",
  "00000000",
  "00000000000000000000000000000000",
  "0000000000000000FFFF00000100007F",
];

const LISTENING = "0A";

export function createPortHolderFinder(options: PortHolderOptions = {}): FindPortHolder {
  const { platform = process.platform, uid = process.getuid?.(), procFolder = "/proc" } = options;
  const run = options.run ?? runProgram;
  const find =
    platform === "linux" ? findInProc.bind(undefined, procFolder) : findByLsof.bind(undefined, run);
  return async (port) => {
    const found = await find(port).catch(() => undefined);
    if (found?.uid !== uid) return found;
    return found?.program && { program: found.program };
  };
}

async function findInProc(folder: string, port: number): Promise<PortHolder | undefined> {
  const [socket] = await listeningSockets(folder, port);
  if (!socket) return undefined;
  const pid = await processWith(folder, `socket:[${socket.inode}]`);
  if (pid === undefined) return { uid: socket.uid };
  return { program: { name: await programName(folder, pid), pid }, uid: socket.uid };
}

/** Columns of /proc/net/tcp (proc(5)): 1 local address, 3 state, 7 uid, 9 inode. */
async function listeningSockets(folder: string, port: number): Promise<{ uid: number; inode: string }[]> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(join(folder, "net", name), "utf8").catch(() => "")),
  );
  return tables
    .flatMap((table) => table.split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => {
      const [address = "", portOfSocket] = local.split(":");
      return state === LISTENING && portOfSocket === hexPort && CONFLICTING_ADDRESSES.includes(address);
    })
    .map((columns) => ({ uid: Number(columns[7]), inode: columns[9] ?? "" }));
}

async function processWith(folder: string, socket: string): Promise<number | undefined> {
  const pids = (await readdir(folder)).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const descriptors = join(folder, pid, "fd");
    const names = await readdir(descriptors).catch(() => []);
    const targets = await Promise.all(names.map((name) => readlink(join(descriptors, name)).catch(() => "")));
    if (targets.includes(socket)) return Number(pid);
  }
  return undefined;
}

/** Of an interpreter the script says more; further arguments may be secret. */
async function programName(folder: string, pid: number): Promise<string> {
  const [program = "", script = ""] = (await readFile(join(folder, `${pid}`, "cmdline"), "utf8")).split("\0");
  const isScript = /^node\b/.test(basename(program)) && /^[^-]/.test(script);
  return shownName(isScript ? `${basename(program)} ${basename(script)}` : basename(program));
}

/** `-F` writes one field a line: process id, command, user id (lsof(8)). */
async function findByLsof(
  run: NonNullable<PortHolderOptions["run"]>,
  port: number,
): Promise<PortHolder | undefined> {
  const output = await run("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-F", "pcu"]);
  const field = (letter: string) => new RegExp(`^${letter}(.+)$`, "m").exec(output)?.[1];
  const [pid, name, uid] = [field("p"), field("c"), field("u")];
  if (pid === undefined || name === undefined) return undefined;
  return { program: { name: shownName(name), pid: Number(pid) }, uid: Number(uid) };
}

async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: LSOF_DEADLINE_MS });
  return stdout;
}

/** The other program chose its name: on one line, visible, and short. */
function shownName(name: string): string {
  return name.replace(/[^\x20-\x7e]+/g, "?").slice(0, NAME_MAX_LENGTH);
}
