/** Runs a command of the person's in the place of this process, once its login and its environment are ready. */
import type { Environment, SessionStatus } from "@codex-authd/shared";
import { childEnvironment } from "../app-server/child-environment.js";
import { type CommandContext, type CommandScope, type CommonOptions, runCommand } from "./command-scope.js";
import { credentialWarnings } from "./credential-warnings.js";
import { ensureLogin } from "./ensured-login.js";
import { EXIT } from "./exit-codes.js";
import { createOutput } from "./output.js";
import { type Program, runProgram } from "./run-program.js";

/** The daemon is left alone while the command runs: it may take days. */
export async function runWithLogin(
  context: CommandContext,
  options: CommonOptions,
  program: Program,
): Promise<void> {
  const { terminal } = context;
  let status: SessionStatus | undefined;
  await runCommand(wrapping(context), options, async (scope) => {
    status = await prepare(scope);
    return EXIT.done;
  });
  if (!status) return;
  const env = commandEnvironment(terminal.env, status, options);
  context.finish(await runProgram({ ...program, env }, createOutput(terminal, false)));
}

/** Failures of ours are one number, for all others belong to the command; Ctrl-C keeps its own. */
export function wrapping(context: CommandContext): CommandContext {
  const isOwn = (exitCode: number): boolean =>
    exitCode === EXIT.interrupted || exitCode === EXIT.terminated || exitCode === EXIT.done;
  return {
    ...context,
    finish: (exitCode) => context.finish(isOwn(exitCode) ? exitCode : EXIT.notPrepared),
  };
}

async function prepare(scope: CommandScope): Promise<SessionStatus> {
  const { output, terminal } = scope;
  for (const warning of credentialWarnings(terminal.env)) {
    output.note(`${output.styleNote("yellow", "warning:")} ${warning}`);
  }
  return ensureLogin(scope);
}

/** `env` with what the session adds, and the Codex home that was asked for. Nothing secret is added. */
export function commandEnvironment(
  env: Environment,
  session: SessionStatus,
  options: Pick<CommonOptions, "codexHome">,
): Environment {
  const own = childEnvironment(env, session);
  return options.codexHome === undefined ? own : { ...own, CODEX_HOME: session.codexHome };
}
