import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { hasJustEnded, isComing } from "#client/comeback.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

function setUp(t: Test): { home: string; socket: string; lock: string; env: { HOME: string } } {
  const home = temporaryFolder(t);
  return { home, socket: join(home, "d.sock"), lock: join(home, "d.lock"), env: { HOME: home } };
}

/** More than any process id of Linux or macOS. */
const NOBODY = 2 ** 30;

t.test("without a lock and a service nobody comes", async (t) => {
  const { socket, env } = setUp(t);
  t.equal(await isComing(socket, env, 0), false);
  t.equal(await hasJustEnded(socket, systemClock), false);
});

t.test("a claim is waited for as long as a drain may take, if its process lives", async (t) => {
  const { socket, lock, env } = setUp(t);
  writeFileSync(lock, `${NOBODY}\n`);
  t.equal(await isComing(socket, env, 0), false);
  writeFileSync(lock, `${process.pid}\n`);
  t.equal(await isComing(socket, env, 4_999), true);
  t.equal(await isComing(socket, env, 5_000), false);
});

for (const file of [".config/systemd/user/codex-authd.service", "Library/LaunchAgents/codex-authd.plist"]) {
  t.test(`a service is waited for as long as a start may take: ${file}`, async (t) => {
    const { home, socket, env } = setUp(t);
    mkdirSync(join(home, file, ".."), { recursive: true });
    writeFileSync(join(home, file), "");
    t.equal(await isComing(socket, env, 1_999), true);
    t.equal(await isComing(socket, env, 2_000), false);
  });
}

t.test("a claim that was given back is news for the time of a start", async (t) => {
  const { socket, lock } = setUp(t);
  writeFileSync(lock, "");
  t.equal(await hasJustEnded(socket, systemClock), true);
  const longAgo = Date.now() / 1_000 - 6;
  utimesSync(lock, longAgo, longAgo);
  t.equal(await hasJustEnded(socket, systemClock), false);
});
