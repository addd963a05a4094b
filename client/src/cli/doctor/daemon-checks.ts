/** The daemon's program and its configuration, and whether it is the one that this client belongs to. */
import { AuthError } from "@codex-authd/shared";
import { ClientError } from "../../client-error.js";
import { daemonEnvironment, findDaemonProgram } from "../../daemon-program.js";
import { ownVersion } from "../own-version.js";
import { type Check, type Examination, type Finding, problem, warning } from "./finding.js";
import { runQuietly } from "./quiet-run.js";

export const daemonChecks: Check = async (examination) => {
  const program = await configFindings(examination);
  return program.length > 0 ? program : runningFindings(examination);
};

/** Asks the daemon's own program, which alone knows what a configuration may say. */
async function configFindings({ env }: Examination): Promise<Finding[]> {
  const { command, args } = findDaemonProgram();
  const { code, stderr } = await runQuietly([command, ...args, "--check"], daemonEnvironment(env));
  if (code === 0) return [];
  const words = stderr.trim().replace(/^codex-authd: /, "");
  if (code === 2)
    return [problem("config-invalid", `The daemon does not start: ${words}`, "Correct what is named.")];
  const why = words === "" ? `it ended with exit code ${code}` : words;
  return [
    problem(
      "daemon-program",
      `The daemon's program ${command} cannot be run (${why}).`,
      "Install @codex-authd/daemon beside this client.",
    ),
  ];
}

async function runningFindings({ client }: Examination): Promise<Finding[]> {
  try {
    // Starts one where none runs, as every other command does.
    await client.listSessions();
    const { version } = await client.getDaemonStatus();
    if (version === ownVersion()) return [];
    const words = `The daemon that runs is version ${version}, and this client is ${ownVersion()}.`;
    return [
      warning("daemon-version", words, "Run `codex-auth daemon stop`; the next call starts the new one."),
    ];
  } catch (error) {
    return [unreachable(error)];
  }
}

function unreachable(error: unknown): Finding {
  const words = error instanceof Error ? error.message : String(error);
  if (error instanceof ClientError && error.code === "ERR_DAEMON_VERSION") {
    return problem(
      "daemon-protocol",
      words,
      "Run `codex-auth daemon stop`; the next call starts the new one.",
    );
  }
  if (error instanceof ClientError && error.code === "ERR_DAEMON_TIMEOUT") {
    return problem("daemon-silent", words, "Look at its log, then run `codex-auth daemon stop`.");
  }
  if (error instanceof AuthError) return problem("daemon-refuses", words, "Do what the message says.");
  return problem(
    "daemon-not-running",
    words,
    "Run `codex-authd` in a terminal to see why it does not start.",
  );
}
