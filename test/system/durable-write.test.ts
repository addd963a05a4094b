/** A refresh as the kernel sees it: locks that can be had, the exchange, then under the locks a write that survives a power cut. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createPlace, type Place } from "../helpers/daemon-place.js";
import { writeLogin } from "../helpers/logins.js";
import { requireTools } from "../helpers/system-tool.js";
import { until } from "../helpers/until.js";

requireTools("strace");

const DAEMON = fileURLToPath(new URL("../../../daemon/dist/main.js", import.meta.url));

const CALLS = "openat,write,fsync,fdatasync,rename,renameat2,flock,close,connect,unlink";

/** Starts the daemon under strace, which writes one line for each call, with the paths of descriptors. */
async function startTraced(t: Test, place: Place, trace: string): Promise<ChildProcess> {
  const options = ["-f", "-y", "-s", "0", "-e", `trace=${CALLS}`, "-e", "signal=none", "-o", trace];
  const daemon = [process.execPath, DAEMON, "--socket", place.socket];
  const traced = spawn("strace", [...options, "--", ...daemon], { env: place.env, stdio: "ignore" });
  t.teardown(() => traced.kill("SIGKILL"));
  await until("the traced daemon listens", () => existsSync(place.socket));
  return traced;
}

/** What a line of the trace is about, in our words; `undefined` for everything else. */
function stepOf(line: string, { codexHome }: Place, port: string): string | undefined {
  const name = (path: string): string =>
    path === codexHome
      ? "folder"
      : path.replace(`${codexHome}/`, "").replace(/^\.auth-\d+-[0-9a-f]{12}$/, "temporary");
  const inHome = (path: string | undefined): path is string => path?.startsWith(codexHome) ?? false;
  const [, call = "", args = "", result = ""] = /^\d+\s+(\w+)\((.*)\)\s+= (.*)$/.exec(line) ?? [];
  if (call === "connect" && args.includes(`htons(${port})`)) return "connect to the issuer";
  const [path, other] = [...args.matchAll(/"([^"]+)"|<([^>]+)>/g)].map(
    ([, quoted, known]) => quoted ?? known,
  );
  if (call === "openat") return openingOf(args, codexHome, name);
  if (!inHome(path)) return undefined;
  if (call.startsWith("rename") && inHome(other)) return `rename ${name(path)} to ${name(other)}`;
  if (call === "flock") return `flock ${name(path)} ${/LOCK_\w+(?:\|LOCK_\w+)*/.exec(args)?.[0]} = ${result}`;
  if (call === "close") return path.endsWith(".lock") ? `close ${name(path)}` : undefined;
  return `${call} ${name(path)}`;
}

/** Files that are opened for writing. */
function openingOf(args: string, codexHome: string, name: (path: string) => string): string | undefined {
  const [, path = "", flags = "", mode = ""] = /"([^"]+)", ([A-Z_|]+)(?:, (\d+))?/.exec(args) ?? [];
  if (!path.startsWith(codexHome) || !flags.includes("O_CREAT")) return undefined;
  return `open ${name(path)}${flags.includes("O_EXCL") ? " O_EXCL" : ""} ${mode}`;
}

/** Both locks, in upstream's order, around `steps`. */
function underLocks(...steps: readonly string[]): string[] {
  return [
    "open auth.lock 0666",
    "flock auth.lock LOCK_EX|LOCK_NB = 0",
    "open auth.json.lock 0600",
    "flock auth.json.lock LOCK_EX|LOCK_NB = 0",
    ...steps,
    "close auth.json.lock",
    "close auth.lock",
  ];
}

t.test("a refresh proves the locks, exchanges without them, and stores under them, durably", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer });
  writeLogin(place.codexHome, issuer);
  const trace = join(place.home, "trace");
  const traced = await startTraced(t, place, trace);
  t.equal((await place.cli(["refresh"])).code, 0);
  t.equal((await place.cli(["daemon", "stop"])).code, 0);
  if (traced.exitCode === null) await once(traced, "exit");

  const { port } = new URL(issuer.url);
  const lines = readFileSync(trace, "utf8").split("\n");
  const steps = lines.map((line) => stepOf(line, place, port)).filter((step) => step !== undefined);
  t.strictSame(steps, [
    ...underLocks(),
    "connect to the issuer",
    ...underLocks(
      "open temporary O_EXCL 0600",
      "write temporary",
      "fsync temporary",
      "rename temporary to auth.json",
      "fsync folder",
    ),
  ]);
});
