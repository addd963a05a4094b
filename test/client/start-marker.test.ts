import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t from "tap";
import { claimStartMarker, releaseStartMarker } from "#client/start-marker.js";

t.test("a marker of a living process is respected", async (t) => {
  const marker = join(t.testdir(), "d.sock.starting");
  await writeFile(marker, `${process.ppid}\n`);
  t.equal(await claimStartMarker(marker, systemClock), false);
});

t.test("a marker without a process in it yet is respected", async (t) => {
  const marker = join(t.testdir(), "d.sock.starting");
  await writeFile(marker, "");
  t.equal(await claimStartMarker(marker, systemClock), false);
});

t.test("of many at once, one takes it", async (t) => {
  const marker = join(t.testdir(), "d.sock.starting");
  const claims = await Promise.all(Array.from({ length: 100 }, () => claimStartMarker(marker, systemClock)));
  t.equal(claims.filter(Boolean).length, 1);
  t.equal(await readFile(marker, "utf8"), `${process.pid}\n`);
  t.equal((await stat(marker)).mode & 0o777, 0o600);
  await releaseStartMarker(marker);
  t.equal(await claimStartMarker(marker, systemClock), true, "and after it the next");
});

t.test("a marker whose process is gone is taken over", async (t) => {
  const marker = join(t.testdir(), "d.sock.starting");
  const child = spawn(process.execPath, ["-e", "0"]);
  await once(child, "exit");
  await writeFile(marker, `${child.pid}\n`);
  t.equal(await claimStartMarker(marker, systemClock), true);
});

t.test("a marker that is older than 20 s is taken over", async (t) => {
  const marker = join(t.testdir(), "d.sock.starting");
  await writeFile(marker, `${process.pid}\n`);
  const atSeconds = Date.now() / 1000 - 21;
  await utimes(marker, atSeconds, atSeconds);
  t.equal(await claimStartMarker(marker, systemClock), true);
});
