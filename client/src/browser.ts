/** Opens a URL in the browser of the person at this machine, and says truly whether that worked. */
import { type ChildProcess, spawn } from "node:child_process";
import { type Clock, type Environment, systemClock } from "@codex-authd/shared";

export interface OpenBrowserOptions {
  /** Default: this process's own. `BROWSER` names a program that gets the URL as its only argument (codex-cli 0.169). */
  readonly env?: Environment;
  readonly clock?: Clock;
}

/** `opened: false` comes with the reason; the caller then shows the URL. */
export type BrowserOutcome = { readonly opened: true } | { readonly opened: false; readonly reason: string };

/** A launcher that finds no browser fails within this; one that lives on has become the browser. */
const LAUNCH_GRACE_MS = 1_500;

/**
 * Opens `url`. Takes up to 1.5 s, for a launcher's failure shows only in its exit code.
 * @throws TypeError when `url` is not http(s): a `file:` or custom scheme would start other programs
 */
export async function openInBrowser(url: string, options: OpenBrowserOptions = {}): Promise<BrowserOutcome> {
  if (!isWebUrl(url)) {
    throw new TypeError("Only an http or https URL can be opened in a browser.");
  }
  const env = options.env ?? process.env;
  try {
    const child = env.BROWSER ? spawnBrowser(env.BROWSER, url, env) : await openWithSystem(url);
    return await watchLaunch(child, options.clock ?? systemClock);
  } catch (error) {
    return { opened: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function isWebUrl(url: string): boolean {
  return URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
}

function spawnBrowser(program: string, url: string, env: Environment): ChildProcess {
  return spawn(program, [url], { detached: true, stdio: "ignore", env });
}

/** Loaded here only: no other command should pay for it. */
async function openWithSystem(url: string): Promise<ChildProcess> {
  const { default: open } = await import("open");
  return await open(url);
}

function watchLaunch(child: ChildProcess, clock: Clock): Promise<BrowserOutcome> {
  return new Promise((resolve) => {
    const settle = (outcome: BrowserOutcome): void => {
      cancel();
      child.unref();
      resolve(outcome);
    };
    const cancel = clock.setTimer(LAUNCH_GRACE_MS, () => settle({ opened: true }));
    child.once("error", (error) => settle({ opened: false, reason: error.message }));
    child.once("exit", (code, signal) => {
      const isWell = code === 0;
      settle(
        isWell
          ? { opened: true }
          : { opened: false, reason: `the browser ended with ${signal ?? `exit code ${code}`}` },
      );
    });
  });
}
