import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fingerprint, systemClock } from "@codex-authd/shared";
import t from "tap";
import { authJsonLocation, createFileStorage } from "#daemon/storage/file-storage.js";
import { fakeGrant } from "../helpers/grants.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const spent = (grant: ReturnType<typeof fakeGrant>): string => fingerprint(grant.refreshToken.reveal());

t.test("load tells a missing file, a missing folder and a login apart", async (t) => {
  const home = temporaryFolder(t);
  t.same(await createFileStorage(join(home, "nowhere"), systemClock).load(), { kind: "absent" });
  const storage = createFileStorage(home, systemClock);
  t.same(await storage.load(), { kind: "absent" });
  await storage.saveLogin(fakeGrant({ accountId: "acct-7" }));
  t.match(await storage.load(), { kind: "managed", grant: { accountId: "acct-7" } });
});

t.test("load reads a torn file again before it calls it corrupt", async (t) => {
  const home = temporaryFolder(t);
  const storage = createFileStorage(home, systemClock);
  await storage.saveLogin(fakeGrant());
  const whole = readFileSync(join(home, "auth.json"), "utf8");
  truncateSync(join(home, "auth.json"), 0);
  const loading = storage.load();
  writeFileSync(join(home, "auth.json"), whole);
  t.match(await loading, { kind: "managed" });
  writeFileSync(join(home, "auth.json"), whole.slice(0, 40));
  await t.rejects(storage.load(), { code: "ERR_STORAGE_CORRUPT", message: /auth.json cannot be understood/ });
});

t.test("a folder in place of auth.json is named, and nothing is touched", async (t) => {
  const home = temporaryFolder(t);
  mkdirSync(join(home, "auth.json"));
  await t.rejects(createFileStorage(home, systemClock).load(), {
    code: "ERR_STORAGE_UNAVAILABLE",
    message: /EISDIR/,
  });
});

t.test(
  "what is written is 0600 from birth, also over a 0644 file, with no temporary file left",
  async (t) => {
    const home = temporaryFolder(t);
    writeFileSync(join(home, "auth.json"), '{"OPENAI_API_KEY": "sk-1"}', { mode: 0o644 });
    chmodSync(join(home, "auth.json"), 0o644);
    await createFileStorage(home, systemClock).saveLogin(fakeGrant());
    t.equal(statSync(join(home, "auth.json")).mode & 0o777, 0o600);
    t.same(readdirSync(home).sort(), ["auth.json", "auth.json.lock", "auth.lock"]);
  },
);

t.test("saveLogin creates the Codex home 0700, and keeps a copy of a corrupt file", async (t) => {
  const home = join(temporaryFolder(t), ".codex");
  const storage = createFileStorage(home, systemClock);
  await storage.saveLogin(fakeGrant());
  t.equal(statSync(home).mode & 0o777, 0o700);
  writeFileSync(join(home, "auth.json"), "only copy");
  await storage.saveLogin(fakeGrant());
  t.equal(readFileSync(join(home, "auth.json.corrupt"), "utf8"), "only copy");
});

t.test("saveRefreshed writes only over the login that the tokens come from", async (t) => {
  const home = temporaryFolder(t);
  const storage = createFileStorage(home, systemClock);
  const [first, second, stranger] = [fakeGrant(), fakeGrant(), fakeGrant({ accountId: "acct-2" })];
  t.equal(await storage.saveRefreshed(second, spent(first)), "superseded", "nothing there");
  await storage.saveLogin(first);
  t.equal(await storage.saveRefreshed(second, spent(first)), "stored");
  await storage.saveLogin(stranger);
  t.equal(await storage.saveRefreshed(first, spent(second)), "superseded");
  t.match(await storage.load(), { grant: { accountId: "acct-2" } });
});

t.test("a link is followed and kept; logout removes the file behind it", async (t) => {
  const [home, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
  symlinkSync(join(elsewhere, "real.json"), join(home, "auth.json"));
  writeFileSync(join(elsewhere, "real.json"), '{"OPENAI_API_KEY": null}');
  const storage = createFileStorage(home, systemClock);
  t.equal(storage.location, join(elsewhere, "real.json"));
  await storage.saveLogin(fakeGrant());
  t.ok(lstatSync(join(home, "auth.json")).isSymbolicLink());
  t.match(readFileSync(join(elsewhere, "real.json"), "utf8"), "chatgpt");
  t.ok(existsSync(join(elsewhere, "real.json.lock")), "upstream's second lock is beside the real file");
  t.ok(existsSync(join(home, "auth.lock")), "upstream's first lock is in the Codex home");
  t.equal(await storage.remove(), true);
  t.notOk(existsSync(join(elsewhere, "real.json")), "no login is left behind");
  t.ok(lstatSync(join(home, "auth.json")).isSymbolicLink());
  t.equal(authJsonLocation(home), join(elsewhere, "real.json"), "the next login goes where the last one was");
});

t.test("two homes linked to one file have one location", async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  writeFileSync(join(one, "auth.json"), '{"OPENAI_API_KEY": null}');
  symlinkSync(join(one, "auth.json"), join(two, "auth.json"));
  t.equal(authJsonLocation(one), authJsonLocation(two));
  t.equal(
    authJsonLocation(join(realpathSync(one), "x")),
    join(one, "x", "auth.json"),
    "a home that is not there yet",
  );
});

t.test("a hard-linked file is found before a token is spent", async (t) => {
  const home = temporaryFolder(t);
  const storage = createFileStorage(home, systemClock);
  await storage.checkWritable();
  await storage.saveLogin(fakeGrant());
  await storage.checkWritable();
  linkSync(join(home, "auth.json"), join(home, "second-name"));
  await t.rejects(storage.checkWritable(), { code: "ERR_STORAGE_UNAVAILABLE", message: /2 hard links/ });
});

t.test("what a killed writer left is removed, and what a living one is about to rename is not", async (t) => {
  const home = temporaryFolder(t);
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  const names = [
    `.auth-${gone}-0123456789ab`,
    `.auth-${process.pid}-0123456789ab`,
    `.auth-${process.ppid}-0123456789ab`,
    ".auth-Ab12Cd",
    ".auth-notes",
  ];
  for (const name of names) writeFileSync(join(home, name), "");
  createFileStorage(home, systemClock).tidy?.();
  t.same(readdirSync(home).sort(), names.slice(2).sort());
  t.doesNotThrow(() => createFileStorage(join(home, "nowhere"), systemClock).tidy?.());
});

t.test("remove says whether there was a login", async (t) => {
  const home = temporaryFolder(t);
  const storage = createFileStorage(home, systemClock);
  t.equal(await storage.remove(), false);
  await storage.saveLogin(fakeGrant());
  t.equal(await storage.remove(), true);
  t.same(await storage.load(), { kind: "absent" });
});

t.test("a write waits for whoever holds upstream's lock", async (t) => {
  const home = temporaryFolder(t);
  const storage = createFileStorage(home, systemClock);
  const holder = await holdLock(join(home, "auth.lock"));
  let isSaved = false;
  const saving = storage.saveLogin(fakeGrant()).then(() => {
    isSaved = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.notOk(isSaved);
  await holder.release();
  await saving;
  t.match(await storage.load(), { kind: "managed" });
});

t.test("a lock that is never given back is an error that names it, and the file is untouched", async (t) => {
  const home = temporaryFolder(t);
  const impatient = { ...systemClock, now: () => Date.now() * 100 };
  await createFileStorage(home, systemClock).saveLogin(fakeGrant({ accountId: "acct-before" }));
  const holder = await holdLock(join(home, "auth.json.lock"));
  await t.rejects(createFileStorage(home, impatient).saveLogin(fakeGrant()), {
    code: "ERR_STORAGE_UNAVAILABLE",
    message: /auth\.json\.lock for 5 seconds/,
  });
  t.match(await createFileStorage(home, systemClock).load(), { grant: { accountId: "acct-before" } });
  await holder.release();
});

/** Another process that holds the lock until it is told to let go. */
async function holdLock(path: string): Promise<{ release(): Promise<void> }> {
  const flock = new URL("../../../daemon/dist/native/flock.js", import.meta.url).href;
  const program = `import { openSync } from "node:fs"; import { tryFlock } from ${JSON.stringify(flock)};
    if (!tryFlock(openSync(${JSON.stringify(path)}, "a+"))) throw new Error("not locked");
    console.log("locked"); process.stdin.resume(); process.stdin.on("end", () => process.exit(0));`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(holder, "exit");
  await once(holder.stdout, "data");
  return {
    async release() {
      holder.stdin.end();
      await exited;
    },
  };
}
