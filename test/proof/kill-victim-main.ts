/**
 * A process to kill: opens the session of the place in its argument, refreshes it when a line comes in, and writes a line
 * for every token that it publishes.
 */
import { once } from "node:events";
import { writeSync } from "node:fs";
import { fingerprint } from "@codex-authd/shared";
import type { Session } from "#daemon/session/session.js";
import { openSessionLayer } from "./session-layer.js";

/** Whole when the call returns: a killed process loses nothing that it has said. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function tell(session: Session): Promise<void> {
  const { accessToken } = await session.getToken({});
  say(`told ${fingerprint(accessToken)}`);
}

const { session } = await openSessionLayer(
  JSON.parse(process.argv[2] ?? ""),
  (changed) => void tell(changed),
);
say("opened");
await once(process.stdin, "data");
await session.refresh();
say("refreshed");
