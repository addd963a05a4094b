/** The program codex-authd: argv → configuration → claim → daemon → ready → signals. */
import { AuthError, type Environment, stateFolder, systemClock } from "@codex-authd/shared";
import { parseFlags, USAGE } from "./config/flags.js";
import { type Config, loadConfig } from "./config/load.js";
import { createDaemon } from "./daemon.js";
import { claimSocket, type SocketClaim } from "./lifecycle/claim.js";
import { listenOnSocket } from "./lifecycle/listen.js";
import { superviseShutdown } from "./lifecycle/shutdown.js";
import { createLog } from "./log.js";
import { VERSION } from "./version.js";

async function main(argv: readonly string[], env: Environment): Promise<void> {
  const flags = parseFlags(argv);
  if (flags.help) return print(USAGE);
  if (flags.version) return print(`codex-authd ${VERSION}\n`);
  const config = loadConfig({ flags, env });
  const claimed = await claimSocket(config.socket, systemClock);
  if (claimed.state === "alreadyRunning") return print(alreadyRunning(claimed.pid, config.socket));
  await serve(config, stateFolder(env), claimed.claim);
}

/** Opens the layers; whatever was opened by then is closed in reverse, at a signal or when the next one fails. */
async function serve(config: Config, stateFolder: string, claim: SocketClaim): Promise<void> {
  const log = createLog({ level: config.logLevel, clock: systemClock });
  const opened = [async () => claim.release()];
  const close = async (): Promise<void> => {
    const closeLayer = opened.pop();
    if (closeLayer) await closeLayer().finally(close);
  };
  const shutdown = superviseShutdown({ close, log, clock: systemClock });
  try {
    const onStopRequested = (): void => shutdown.begin("request");
    const daemon = await createDaemon({ config, stateFolder, log, clock: systemClock, onStopRequested });
    opened.push(() => daemon.close());
    const listener = await listenOnSocket(daemon.server, { claim, clock: systemClock, log });
    opened.push(async () => {
      const drained = listener.close();
      await daemon.stopServing();
      await drained;
    });
  } catch (error) {
    await close();
    throw error;
  }
  log.info({ event: "daemon.ready", version: VERSION, path: config.socket, codexHome: config.codexHome });
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
