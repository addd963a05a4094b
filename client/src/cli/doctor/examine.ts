/** All checks over one person's place. */
import { resolve } from "node:path";
import { codexHomePath, type SessionStatus, socketPaths, stateFolder } from "@codex-authd/shared";
import type { CommandScope } from "../command-scope.js";
import { codexChecks } from "./codex-checks.js";
import { codexHomeChecks } from "./codex-home-checks.js";
import { daemonChecks } from "./daemon-checks.js";
import type { Check, Examination, Finding } from "./finding.js";
import { networkChecks } from "./network-checks.js";
import { nodeChecks } from "./node-checks.js";
import { serviceChecks } from "./service-checks.js";
import { sessionChecks } from "./session-checks.js";
import { socketChecks } from "./socket-checks.js";

/** In the order in which one fault causes the next. */
export const CHECKS: Readonly<Record<string, Check>> = {
  node: nodeChecks,
  "Codex home": codexHomeChecks,
  socket: socketChecks,
  service: serviceChecks,
  daemon: daemonChecks,
  login: sessionChecks,
  network: networkChecks,
  Codex: codexChecks,
};

/** What is wrong, first causes first. */
export async function examine(scope: CommandScope): Promise<Finding[]> {
  const place = placeOf(scope);
  const findings: Finding[] = [];
  for (const check of Object.values(CHECKS)) findings.push(...(await check(place)));
  return findings;
}

function placeOf({ client, selector, terminal }: CommandScope): Examination {
  const { env, cwd, clock } = terminal;
  let asked: Promise<SessionStatus | null> | undefined;
  return {
    env,
    cwd,
    uid: process.getuid?.() ?? 0,
    nowMs: clock.now(),
    codexHome: resolve(cwd, selector.codexHome ?? codexHomePath(env)),
    sockets: socketPaths(env),
    stateFolder: stateFolder(env),
    client,
    selector,
    terminal,
    status() {
      asked ??= client.getStatus(selector).catch(() => null);
      return asked;
    },
  };
}
