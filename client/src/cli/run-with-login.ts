/** Runs a command of the person's in the place of this process, once its login and its environment are ready. */
import type { Environment, SessionStatus } from "@codex-authd/shared";
import { childEnvironment } from "../app-server/child-environment.js";
import { StandIn } from "../app-server/stand-in.js";
import { type CommandContext, type CommandScope, type CommonOptions, runCommand } from "./command-scope.js";
import { credentialWarnings } from "./credential-warnings.js";
import { ensureLogin } from "./ensured-login.js";
import { EXIT } from "./exit-codes.js";
import { printable } from "./format.js";
import { type PipedChild, type Program, runPiped, runProgram } from "./run-program.js";

/** The command reads the login in its Codex home. */
export function runWithLogin(
  context: CommandContext,
  options: CommonOptions,
  program: Program,
): Promise<void> {
  return runInOurPlace(context, options, async (scope) => {
    const { client, output, terminal } = scope;
    for (const warning of credentialWarnings(terminal.env)) warn(scope, warning);
    const env = commandEnvironment(terminal.env, await ensureLogin(scope), options);
    await client.close(); // The command may take days.
    return runProgram({ ...program, env, output });
  });
}

/** The command is an app-server that gets the tokens of the login, and nothing to keep. */
export function runWithTokens(
  context: CommandContext,
  options: CommonOptions,
  program: Program,
): Promise<void> {
  return runInOurPlace(context, options, async (scope) => {
    const { output, terminal } = scope;
    const env = childEnvironment(terminal.env, await ensureLogin(scope));
    return runPiped({ ...program, env, output }, (child) => standIn(scope, child).run());
  });
}

/** Failures of ours are one number, for all others belong to the command; Ctrl-C at the login keeps its own. */
async function runInOurPlace(
  context: CommandContext,
  options: CommonOptions,
  body: (scope: CommandScope) => Promise<number>,
): Promise<void> {
  const isInterruption = (code: number): boolean => code === EXIT.interrupted || code === EXIT.terminated;
  const fail = (code: number): void => context.finish(isInterruption(code) ? code : EXIT.notPrepared);
  let exitCode: number | undefined;
  await runCommand({ ...context, finish: fail }, options, async (scope) => {
    exitCode = await body(scope);
    return exitCode;
  });
  if (exitCode !== undefined) context.finish(exitCode);
}

function standIn(scope: CommandScope, child: PipedChild): StandIn {
  const { client, selector, terminal } = scope;
  return new StandIn({
    host: { input: terminal.stdin, output: terminal.stdout },
    server: { input: child.stdin, output: child.stdout },
    auth: client,
    selector,
    onFailure: ({ message, code }) => warn(scope, `${message} (${code})`),
  });
}

function warn({ output }: CommandScope, words: string): void {
  output.note(`${output.styleNote("yellow", "warning:")} ${printable(words)}`);
}

/** `env` with what the session adds, and the Codex home that was asked for. Nothing secret is added. */
function commandEnvironment(
  env: Environment,
  session: SessionStatus,
  options: Pick<CommonOptions, "codexHome">,
): Environment {
  const own = childEnvironment(env, session);
  return options.codexHome === undefined ? own : { ...own, CODEX_HOME: session.codexHome };
}
