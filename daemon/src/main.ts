/** The program codex-authd: argv → configuration → claim → daemon → ready → signals. */
import { AuthError, stateFolder, systemClock } from "@codex-authd/shared";
import { parseFlags, USAGE } from "./config/flags.js";
import { type Config, loadConfig } from "./config/load.js";
import { claimSocket, type SocketClaim } from "./lifecycle/claim.js";
import { exitWhenIdle } from "./lifecycle/idle-exit.js";
import { listenOnSocket } from "./lifecycle/listen.js";
import { createNotifier } from "./lifecycle/notify.js";
import { superviseShutdown } from "./lifecycle/shutdown.js";
import { type Supervision, takeSupervision } from "./lifecycle/supervision.js";
import { createLog } from "./log.js";
import { VERSION } from "./version.js";

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const flags = parseFlags(argv);
  if (flags.help) return print(USAGE);
  if (flags.version) return print(`codex-authd ${VERSION}\n`);
  const supervision = takeSupervision(env, process.pid);
  const config = loadConfig({ flags, env });
  if (flags.check) return print("The configuration is right.\n");
  const claimed = await claimSocket(config.socket, systemClock, supervision.passedSocket);
  if (claimed.state === "alreadyRunning") return print(alreadyRunning(claimed.pid, config.socket));
  await serve({ config, stateFolder: stateFolder(env), claim: claimed.claim, supervision });
}

interface Serving {
  readonly config: Config;
  readonly stateFolder: string;
  readonly claim: SocketClaim;
  readonly supervision: Supervision;
}

/** Opens the layers; whatever was opened by then is closed in reverse, at a signal or when the next one fails. */
async function serve({ config, stateFolder, claim, supervision }: Serving): Promise<void> {
  const log = createLog({ level: config.logLevel, clock: systemClock });
  const notifier = createNotifier(supervision, { clock: systemClock, log });
  const opened = [async () => claim.release()];
  const close = async (): Promise<void> => {
    const closeLayer = opened.pop();
    if (closeLayer) await closeLayer().finally(close);
  };
  const shutdown = superviseShutdown({ close, log, clock: systemClock });
  try {
    const onStopRequested = (): void => shutdown.begin("request");
    // Loaded here only: most of a start goes into it, and `--check` and a second start do without.
    const { createDaemon } = await import("./daemon.js");
    const daemon = await createDaemon({ config, stateFolder, log, clock: systemClock, onStopRequested });
    opened.push(() => daemon.close());
    const { passedSocket } = supervision;
    const onLost = (): void => shutdown.begin("socketLost");
    const listening = { claim, clock: systemClock, log, passedSocket, onLost };
    const listener = await listenOnSocket(daemon.server, listening);
    opened.push(async () => {
      notifier.stopping();
      const drained = listener.close();
      await daemon.stopServing();
      await drained;
    });
    opened.push(
      exitWhenIdle({ ...config, ...daemon, clock: systemClock, exit: () => shutdown.begin("idle") }),
    );
    notifier.follow(daemon);
  } catch (error) {
    await close();
    throw error;
  }
  log.info({ event: "daemon.ready", version: VERSION, path: config.socket, codexHome: config.codexHome });
  notifier.ready();
}

function alreadyRunning(pid: number | undefined, socket: string): string {
  return `codex-authd is already running${pid === undefined ? "" : ` (pid ${pid})`} on ${socket}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}

try {
  await main(process.argv.slice(2), process.env);
} catch (error) {
  if (!(error instanceof AuthError)) throw error;
  process.stderr.write(`codex-authd: ${error.message}\n`);
  process.exitCode = error.code === "ERR_CONFIG_INVALID" ? 2 : 1;
}
