import type { SessionStatus } from "@codex-authd/shared";
import { Command, InvalidArgumentError, Option } from "commander";
import { openInBrowser } from "../../browser.js";
import type { PendingLogin } from "../../call-options.js";
import { observeChildEnvironment } from "../../observed-environment.js";
import {
  type CommandContext,
  type CommandScope,
  type CommonOptions,
  runCommand,
  withCommonOptions,
} from "../command-scope.js";
import { EXIT, InterruptedError } from "../exit-codes.js";
import { explainLogin } from "../login-plan.js";
import { authorizationEvent, browserLines, deviceLines, noRedirectWords } from "../login-view.js";
import { startWaiting } from "../login-wait.js";
import { sessionReason, sessionSentence } from "../session-view.js";

interface LoginCommandOptions extends CommonOptions {
  readonly browser?: boolean;
  readonly device?: boolean;
  readonly openBrowser?: boolean;
  readonly paste?: boolean;
  readonly callbackPort?: number;
  readonly interactive: boolean;
  readonly force?: boolean;
  readonly explain?: boolean;
}

/** One run of the command: what it was asked for, and what ends it. */
interface LoginRun {
  readonly scope: CommandScope;
  readonly options: LoginCommandOptions;
  readonly abort: AbortController;
}

const EXAMPLES = `
Examples:
  codex-auth login                                 in a browser, or with a code where there is none
  codex-auth login --device                        with a code, on any device
  codex-auth login --browser --no-browser --json   for a script that opens the address itself`;

/** `codex-auth login`: ends with who is logged in; a session that is there is answered as it is. */
export function loginCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("login"))
    .description("log in with ChatGPT")
    .addOption(new Option("--browser", "log in with a browser on this machine").conflicts("device"))
    .option("--device", "log in with a code, in a browser on any device")
    .addOption(new NoBrowserOption("--no-browser", "show the address instead of opening a browser"))
    .option("--paste", "paste the address that the browser ended on")
    .option("--callback-port <n>", "port for the browser's way back", parsePort)
    .option("--no-interactive", "fail when a person would be needed")
    .option("--force", "log in again, although there is a login")
    .option("--explain", "say which login would begin, why and where; begin none")
    .addHelpText("after", EXAMPLES)
    .action((options: LoginCommandOptions) =>
      runCommand(context, options, (scope) => runLogin(scope, options)),
    );
}

/** `--browser` names a flow and `--no-browser` does not negate it: `--browser --no-browser` is a browser flow without opening one. */
class NoBrowserOption extends Option {
  override attributeName(): string {
    return "openBrowser";
  }
}

/** Takes the person at the terminal through a login, whatever there is already; Ctrl-C ends it with InterruptedError. */
export async function logIn(
  scope: CommandScope,
  options: LoginCommandOptions = { interactive: true, autostart: true },
): Promise<SessionStatus> {
  const run = { scope, options, abort: new AbortController() };
  const stopListening = scope.terminal.onInterrupt((signal) => run.abort.abort(new InterruptedError(signal)));
  try {
    return await authorize(run);
  } finally {
    stopListening();
    run.abort.abort();
  }
}

async function runLogin(scope: CommandScope, options: LoginCommandOptions): Promise<number> {
  if (options.explain) return explainLogin(scope, wishOf(scope, options));
  const { client, output, selector } = scope;
  const before = await client.getStatus(selector);
  if (before.state === "active" && !options.force) return finish(scope, before, "Already logged in.");
  if (before.state === "reauthorizationRequired") {
    output.note(`The last login has ended. ${sessionReason(before)}`, "");
  }
  return finish(scope, await logIn(scope, options), undefined);
}

async function authorize(run: LoginRun): Promise<SessionStatus> {
  const { scope, options, abort } = run;
  const { client, output, terminal } = scope;
  let shown: PendingLogin | undefined;
  let stopWaiting = (): void => undefined;
  const waitOptions = {
    ...scope,
    paste: options.paste === true,
    onFailure: (error: unknown) => abort.abort(error),
  };
  try {
    return await client.login({
      ...wishOf(scope, options),
      force: true,
      signal: abort.signal,
      openBrowser: options.openBrowser === false ? false : (url) => openInBrowser(url, terminal),
      onBrowserFailure: (reason) =>
        output.note(`No browser could be opened: ${reason}. Open the address yourself.`),
      onFallbackFailure: (reason) => output.note(`${noRedirectWords()}; it stays valid. ${reason}`),
      onAuthorization: async (pending) => {
        stopWaiting();
        if (shown) output.note("", `${noRedirectWords()}; it is not valid any more.`);
        show(run, pending);
        shown = pending;
        stopWaiting = await startWaiting(pending, waitOptions);
      },
    });
  } finally {
    stopWaiting();
  }
}

/** What is asked of the daemon: for which session, from where, and how. */
function wishOf({ selector, terminal }: CommandScope, options: LoginCommandOptions) {
  const { env, cwd, surroundings } = terminal;
  return {
    ...selector,
    childEnvironment: observeChildEnvironment(env, cwd, surroundings),
    interactive: options.interactive,
    flow: flowOf(options),
    callbackPort: options.callbackPort,
  };
}

function show({ scope, options }: LoginRun, pending: PendingLogin): void {
  const { output, terminal } = scope;
  output.event(authorizationEvent(pending));
  // Who pastes the address does already what they would advise.
  const warnings = options.paste ? [] : pending.warnings;
  output.note(...warnings.map((warning) => `${output.styleNote("yellow", "warning:")} ${warning}`));
  const lines =
    pending.flow === "browser"
      ? browserLines(pending, options.openBrowser !== false, output)
      : deviceLines(pending, terminal.clock.now(), output);
  output.note(...lines);
}

function finish(
  { output, terminal }: CommandScope,
  status: SessionStatus,
  remark: string | undefined,
): number {
  const sentence = sessionSentence(status, terminal.clock.now());
  output.result({ event: "loggedIn", ...status }, () => [sentence]);
  if (remark) output.note(`${remark} Use --force to log in again.`);
  return EXIT.done;
}

function flowOf({ browser, device, paste }: LoginCommandOptions): "auto" | "browser" | "device" {
  if (device) return "device";
  return browser || paste ? "browser" : "auto";
}

function parsePort(value: string): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
    throw new InvalidArgumentError("Give a port from 0 to 65535; 0 lets the system choose.");
  }
  return Number(value);
}
