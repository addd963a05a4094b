/** The switches of the live example, read strictly: what contradicts itself is refused before anything happens. */
import { parseArgs } from "node:util";

export interface Switches {
  readonly help: boolean;
  /** Somebody is there to log in. */
  readonly interactive: boolean;
  readonly flow: "auto" | "browser" | "device";
  /** Show the address instead of opening a browser. */
  readonly noBrowser: boolean;
  /** Port of the loopback redirect; 0 lets the system choose. Default: the daemon's configuration. */
  readonly callbackPort: number | undefined;
  /** Log in to the daemon's memory, and host an app-server with that login. */
  readonly appServerMemory: boolean;
  readonly keepHome: boolean;
  readonly useRealHome: boolean;
}

/** The command line cannot be followed; the message says why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `Usage: npm run live-oauth-login -- [switches]

  --interactive         log in if there is no login; without it such a run is SKIPPED
  --browser             log in with a browser on this machine
  --device              log in with a code, in a browser on any device
  --no-browser          show the address instead of opening a browser
  --callback-port=N     port for the browser's way back; 0 takes any free one
  --app-server-memory   log in to memory only, and host a codex app-server with that login
  --keep-home           keep the temporary Codex home, and say where it is
  --use-real-home       use your own Codex home and daemon; nothing else touches them

CODEX_OAUTH_EXAMPLE_HOME names a Codex home to use instead of a temporary one; it is never removed.`;

const OPTIONS = {
  "app-server-memory": { type: "boolean", default: false },
  browser: { type: "boolean", default: false },
  "callback-port": { type: "string" },
  device: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
  interactive: { type: "boolean", default: false },
  "keep-home": { type: "boolean", default: false },
  "no-browser": { type: "boolean", default: false },
  "use-real-home": { type: "boolean", default: false },
} as const;

/** Pairs that cannot both be meant, and why. */
const CONTRADICTIONS = [
  ["browser", "device", "Choose one way to log in."],
  ["device", "no-browser", "A login with a code opens no browser anyway."],
  ["device", "callback-port", "A login with a code has no way back to a port."],
  ["use-real-home", "keep-home", "Your own Codex home is always kept."],
  ["use-real-home", "app-server-memory", "A login in memory uses no Codex home of yours."],
] as const;

/**
 * @param exampleHome `CODEX_OAUTH_EXAMPLE_HOME`
 * @throws UsageError
 */
export function parseSwitches(args: readonly string[], exampleHome: string | undefined): Switches {
  const values = parse(args);
  for (const [one, other, why] of CONTRADICTIONS) {
    if (values[one] && values[other])
      throw new UsageError(`--${one} and --${other} contradict each other. ${why}`);
  }
  if (values["use-real-home"] && exampleHome) {
    throw new UsageError("--use-real-home and CODEX_OAUTH_EXAMPLE_HOME name two Codex homes. Choose one.");
  }
  return {
    help: values.help,
    interactive: values.interactive,
    flow: flowOf(values),
    noBrowser: values["no-browser"],
    callbackPort: portOf(values["callback-port"]),
    appServerMemory: values["app-server-memory"],
    keepHome: values["keep-home"],
    useRealHome: values["use-real-home"],
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${error.message}. --help tells the switches.`);
    throw error;
  }
}

function flowOf({
  browser,
  device,
}: {
  readonly browser: boolean;
  readonly device: boolean;
}): Switches["flow"] {
  if (device) return "device";
  return browser ? "browser" : "auto";
}

function portOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new UsageError(`--callback-port=${value} is no port. Give a number from 0 to 65535.`);
}
