import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { openAuditFile } from "#daemon/audit/audit-file.js";
import type { AuditEntry } from "#daemon/rpc/audit.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const CALLER = { uid: 1000, pid: 42, startTicks: 7, executable: "/usr/bin/curl", client: null };
const ENTRY: AuditEntry = {
  caller: CALLER,
  action: "token/get",
  decision: "allowed",
  codexHome: "/home/a/.codex",
};

function openTrail(t: Test, options: { maxBytes?: number; path?: string } = {}) {
  const { maxBytes, path = join(temporaryFolder(t), "state", "audit.jsonl") } = options;
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const clock = { ...systemClock, now: () => Date.UTC(2026, 0, 2) };
  const file = openAuditFile(path, { clock, onFailure, ...(maxBytes === undefined ? {} : { maxBytes }) });
  const linesOf = (name: string): unknown[] =>
    readFileSync(name, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  return { file, path, failures, linesOf };
}

t.test("an entry is a line that says who, what, about which home, and whether", async (t) => {
  const { file, path, linesOf } = openTrail(t);
  file.record(ENTRY);
  file.record({
    ...ENTRY,
    caller: null,
    action: "login/ended",
    decision: "refused",
    code: "ERR_LOGIN_DENIED",
  });
  await file.close();
  t.same(linesOf(path), [
    {
      time: "2026-01-02T00:00:00.000Z",
      ...CALLER,
      action: "token/get",
      decision: "allowed",
      codexHome: "/home/a/.codex",
    },
    {
      time: "2026-01-02T00:00:00.000Z",
      action: "login/ended",
      decision: "refused",
      codexHome: "/home/a/.codex",
      code: "ERR_LOGIN_DENIED",
    },
  ]);
  t.equal(statSync(path).mode & 0o777, 0o600);
});

t.test("a full file is put aside, once, so that two files are the most there is", async (t) => {
  const { file, path, linesOf } = openTrail(t, { maxBytes: 400 });
  for (let pid = 1; pid <= 7; pid++) {
    file.record({ ...ENTRY, caller: { ...CALLER, pid } });
    await file.close();
  }
  t.match(linesOf(`${path}.1`), [{ pid: 5 }, { pid: 6 }]);
  t.match(linesOf(path), [{ pid: 7 }]);
  t.notOk(existsSync(`${path}.2`));
});

t.test("nothing is lost to those who come while it is being written", async (t) => {
  const { file, path, linesOf } = openTrail(t);
  file.record(ENTRY);
  const closing = file.close();
  for (let more = 0; more < 500; more++) file.record(ENTRY);
  await closing;
  await file.close();
  t.equal(linesOf(path).length, 501);
});

t.test("a trail that cannot be kept is told once, keeps nobody waiting, and is taken up again", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "audit.jsonl");
  mkdirSync(path);
  const { file, failures } = openTrail(t, { path });
  file.record(ENTRY);
  await file.close();
  file.record(ENTRY);
  await file.close();
  t.match(failures, [{ code: "EISDIR" }]);
});

t.test("a link in its place is not followed", async (t) => {
  const folder = temporaryFolder(t);
  const target = join(folder, "target");
  writeFileSync(target, "mine");
  symlinkSync(target, join(folder, "audit.jsonl"));
  const { file, failures } = openTrail(t, { path: join(folder, "audit.jsonl") });
  file.record(ENTRY);
  await file.close();
  t.match(failures, [{ code: "ELOOP" }]);
  t.equal(readFileSync(target, "utf8"), "mine");
});

t.test("a disk that hangs fills no memory", async (t) => {
  const { file, path, failures, linesOf } = openTrail(t);
  for (let more = 0; more < 4_050; more++) file.record(ENTRY);
  await file.close();
  t.match(failures, [{ message: /too slow/ }]);
  t.ok(linesOf(path).length <= 4_000);
});
