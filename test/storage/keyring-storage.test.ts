import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprint, systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import type { Grant } from "#daemon/storage/grant-storage.js";
import { createKeyringStorage, keyringAccount } from "#daemon/storage/keyring-storage.js";
import { createFakeSecretStore } from "../helpers/fake-secret-store.js";
import { fakeGrant } from "../helpers/grants.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const spent = (grant: Grant): string => fingerprint(grant.refreshToken.reveal());

function setUp(t: Test, clock = systemClock) {
  const home = temporaryFolder(t);
  const secrets = createFakeSecretStore();
  const account = keyringAccount(home);
  return { home, secrets, account, storage: createKeyringStorage(home, clock, { secrets }) };
}

t.test("an entry that nobody understands is an error, and a new login keeps a copy of it", async (t) => {
  const { storage, secrets, account } = setUp(t);
  secrets.entries.set(account, '{"auth_mode":"chatgpt"');
  await t.rejects(storage.load(), { code: "ERR_STORAGE_CORRUPT", message: `keyring:${account}` });
  await storage.saveLogin(fakeGrant());
  t.equal(secrets.entries.get(`${account}.corrupt`), '{"auth_mode":"chatgpt"');
  t.match(await storage.load(), { kind: "managed" });
});

t.test("without a keyring nothing is written anywhere, and auth.json is not looked at", async (t) => {
  const { storage, secrets, home } = setUp(t);
  writeFileSync(join(home, "auth.json"), '{"OPENAI_API_KEY":"sk-1"}');
  secrets.state = "gone";
  const refusal = { code: "ERR_STORAGE_UNAVAILABLE", message: /no keyring/ };
  await t.rejects(storage.load(), refusal);
  await t.rejects(storage.checkWritable(), refusal);
  await t.rejects(storage.saveLogin(fakeGrant()), refusal);
  await t.rejects(storage.saveRefreshed(fakeGrant(), "f"), refusal);
  await t.rejects(storage.remove(), refusal);
  t.same(readdirSync(home).sort(), ["auth.json", "auth.lock"]);
});

t.test("the account is upstream's, and names of one folder have one", async (t) => {
  const home = temporaryFolder(t);
  const link = join(temporaryFolder(t), "link");
  symlinkSync(home, link);
  const digest = createHash("sha256").update(home).digest("hex");
  t.equal(keyringAccount(home), `cli|${digest.slice(0, 16)}`);
  t.equal(keyringAccount(link), keyringAccount(home));
  t.equal(keyringAccount(`${home}/`), keyringAccount(home));
  t.match(keyringAccount(join(home, "nowhere")), /^cli\|[0-9a-f]{16}$/, "a home that is not there yet");
  t.equal(
    createKeyringStorage(link, systemClock, { secrets: createFakeSecretStore() }).location,
    `keyring:cli|${digest.slice(0, 16)}`,
  );
});

t.test("a login is stored as compact JSON, and takes auth.json away", async (t) => {
  const { storage, secrets, account, home } = setUp(t);
  t.same(await storage.load(), { kind: "absent" });
  writeFileSync(join(home, "auth.json"), '{"OPENAI_API_KEY":"sk-1"}');
  await storage.saveLogin(fakeGrant({ accountId: "acct-7" }));
  const text = secrets.entries.get(account) ?? "";
  t.equal(text, JSON.stringify(JSON.parse(text)));
  t.match(text, /^\{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":\{"id_token":/);
  t.notOk(existsSync(join(home, "auth.json")));
  t.match(await storage.load(), { kind: "managed", grant: { accountId: "acct-7" } });
  t.same(storage.warnings, []);
});

t.test("rotated tokens go over the login that they come from only, and unknown fields stay", async (t) => {
  const { storage, secrets, account } = setUp(t);
  const [first, second, stranger] = [fakeGrant(), fakeGrant(), fakeGrant({ accountId: "acct-2" })];
  t.equal(await storage.saveRefreshed(second, spent(first)), "superseded", "nothing there");
  await storage.saveLogin(first);
  secrets.entries.set(account, (secrets.entries.get(account) ?? "").replace("{", '{"unknown":1,'));
  t.equal(await storage.saveRefreshed(second, spent(first)), "stored");
  t.match(JSON.parse(secrets.entries.get(account) ?? ""), {
    unknown: 1,
    tokens: { refresh_token: second.refreshToken.reveal() },
  });
  await storage.saveLogin(stranger);
  t.equal(await storage.saveRefreshed(first, spent(second)), "superseded");
  t.match(await storage.load(), { grant: { accountId: "acct-2" } });
});

t.test("a locked entry keeps the login: it is neither absent nor replaced nor forgotten", async (t) => {
  const { storage, secrets } = setUp(t);
  const grant = fakeGrant();
  await storage.saveLogin(grant);
  secrets.state = "locked";
  const attempts: readonly (() => Promise<unknown>)[] = [
    () => storage.load(),
    () => storage.checkWritable(),
    () => storage.saveLogin(fakeGrant()),
    () => storage.saveRefreshed(fakeGrant(), spent(grant)),
    () => storage.remove(),
  ];
  for (const attempt of attempts) {
    await t.rejects(attempt(), { code: "ERR_STORAGE_UNAVAILABLE", message: /locked/ });
  }
  secrets.state = "open";
  t.match(await storage.load(), { kind: "managed", grant: { refreshToken: grant.refreshToken } });
});

t.test("logout removes the entry and auth.json, and says whether there was one", async (t) => {
  const { storage, secrets, home } = setUp(t);
  t.equal(await storage.remove(), false);
  await storage.saveLogin(fakeGrant());
  writeFileSync(join(home, "auth.json"), "{}");
  t.equal(await storage.remove(), true);
  t.equal(secrets.entries.size, 0);
  t.notOk(existsSync(join(home, "auth.json")));
  writeFileSync(join(home, "auth.json"), "{}");
  t.equal(await storage.remove(), true, "a file alone counts");
});

t.test("an auth.json that cannot be removed is a warning, not a lost login", async (t) => {
  const { storage, secrets, account, home } = setUp(t);
  mkdirSync(join(home, "auth.json"));
  await storage.saveLogin(fakeGrant());
  t.ok(secrets.entries.has(account));
  t.match(storage.warnings, [/auth\.json could not be removed/]);
  rmdirSync(join(home, "auth.json"));
  await storage.saveLogin(fakeGrant());
  t.same(storage.warnings, []);
});

t.test("watch tells what others did to the entry, within one look, and nothing after close", async (t) => {
  const clock = createManualClock();
  const { storage, secrets, account } = setUp(t, clock);
  let changes = 0;
  await storage.load();
  const watch = storage.watch(() => {
    changes += 1;
  });
  await clock.advance(20_000);
  t.equal(changes, 0, "nothing happened");
  secrets.entries.set(account, "other");
  await clock.advance(5_000);
  t.equal(changes, 1, "an entry came");
  secrets.state = "locked";
  await clock.advance(5_000);
  t.equal(changes, 2, "it was locked");
  secrets.state = "open";
  await clock.advance(5_000);
  t.equal(changes, 3, "it was unlocked");
  await clock.advance(20_000);
  t.equal(changes, 3, "each change is told once");
  await watch.close();
  secrets.entries.clear();
  await clock.advance(20_000);
  t.equal(changes, 3);
});

t.test("watch does not tell what we wrote ourselves", async (t) => {
  const clock = createManualClock();
  const { storage } = setUp(t, clock);
  let changes = 0;
  const watch = storage.watch(() => {
    changes += 1;
  });
  await storage.saveLogin(fakeGrant());
  await clock.advance(10_000);
  t.equal(changes, 0);
  await watch.close();
});
