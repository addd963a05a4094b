import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprint, systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createAutoStorage } from "#daemon/storage/auto-storage.js";
import { createFileStorage } from "#daemon/storage/file-storage.js";
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
  return {
    home,
    secrets,
    account: keyringAccount(home),
    keyring: createKeyringStorage(home, clock, { secrets }),
    file: createFileStorage(home, clock),
    auto: createAutoStorage(home, clock, secrets),
  };
}

t.test("a login goes to the keyring, and auth.json goes away", async (t) => {
  const { auto, home, account, secrets, file } = setUp(t);
  await file.saveLogin(fakeGrant());
  await auto.saveLogin(fakeGrant({ accountId: "acct-7" }));
  t.ok(secrets.entries.has(account));
  t.notOk(existsSync(join(home, "auth.json")));
  t.match(await auto.load(), { kind: "managed", grant: { accountId: "acct-7" } });
  t.match(auto, { kind: "keyring", location: `auto:${account}`, warnings: [] });
});

t.test("with both, the entry wins; without an entry, the file", async (t) => {
  const { auto, keyring, file, secrets } = setUp(t);
  t.same(await auto.load(), { kind: "absent" });
  await keyring.saveLogin(fakeGrant({ accountId: "in-keyring" }));
  await file.saveLogin(fakeGrant({ accountId: "in-file" }));
  t.match(await auto.load(), { grant: { accountId: "in-keyring" } });
  secrets.entries.clear();
  t.match(await auto.load(), { grant: { accountId: "in-file" } });
  t.match(auto, { kind: "file", warnings: [] }, "an empty keyring is no reason to warn");
});

t.test("without a keyring, the file serves, with a warning that says why", async (t) => {
  const { auto, home, secrets } = setUp(t);
  secrets.state = "gone";
  t.same(await auto.load(), { kind: "absent" });
  await auto.checkWritable();
  await auto.saveLogin(fakeGrant({ accountId: "acct-7" }));
  t.match(readFileSync(join(home, "auth.json"), "utf8"), "acct-7");
  t.match(await auto.load(), { kind: "managed" });
  t.match(auto, { kind: "file", warnings: [/is kept in auth\.json.*There is no keyring\./] });
  t.equal(await auto.remove(), true);
  t.notOk(existsSync(join(home, "auth.json")));
});

t.test("a locked keyring without an entry counts as none", async (t) => {
  const { auto, home, secrets } = setUp(t);
  secrets.state = "locked";
  t.same(await auto.load(), { kind: "absent" });
  await auto.saveLogin(fakeGrant());
  t.ok(existsSync(join(home, "auth.json")));
  t.match(auto.warnings, [/locked/]);
});

t.test("a locked entry is neither absent nor replaced by a file that would lose to it", async (t) => {
  const { auto, keyring, home, secrets } = setUp(t);
  await keyring.saveLogin(fakeGrant());
  secrets.state = "locked";
  const refusal = { code: "ERR_STORAGE_UNAVAILABLE", message: /locked/ };
  await t.rejects(auto.load(), refusal);
  await t.rejects(auto.saveLogin(fakeGrant()), refusal);
  await t.rejects(auto.remove(), refusal);
  t.notOk(existsSync(join(home, "auth.json")));
});

t.test("a login in auth.json is used while the entry is locked, and lives on there", async (t) => {
  const { auto, keyring, file, secrets } = setUp(t);
  const [first, second] = [fakeGrant({ accountId: "in-file" }), fakeGrant({ accountId: "in-file" })];
  await keyring.saveLogin(fakeGrant({ accountId: "in-keyring" }));
  await file.saveLogin(first);
  secrets.state = "locked";
  t.match(await auto.load(), { grant: { accountId: "in-file" } });
  t.match(auto.warnings, [/locked/]);
  await auto.checkWritable();
  t.equal(await auto.saveRefreshed(second, spent(first)), "stored");
  t.match(await file.load(), { grant: { refreshToken: second.refreshToken } });
});

t.test("a login that was seen in the keyring is not gone with the keyring", async (t) => {
  const { auto, home, secrets } = setUp(t);
  const [first, second] = [fakeGrant(), fakeGrant()];
  await auto.saveLogin(first);
  secrets.state = "gone";
  const refusal = { code: "ERR_STORAGE_UNAVAILABLE", message: /no keyring/ };
  await t.rejects(auto.load(), refusal);
  await t.rejects(auto.checkWritable(), refusal);
  await t.rejects(auto.saveRefreshed(second, spent(first)), refusal);
  await t.rejects(auto.saveLogin(second), refusal);
  t.notOk(existsSync(join(home, "auth.json")));
  secrets.state = "open";
  t.equal(await auto.saveRefreshed(second, spent(first)), "stored");
});

t.test("rotated tokens stay where the login is", async (t) => {
  const { auto, home, file, secrets } = setUp(t);
  const [first, second] = [fakeGrant(), fakeGrant()];
  await file.saveLogin(first);
  await auto.load();
  t.equal(await auto.saveRefreshed(second, spent(first)), "stored");
  t.equal(secrets.entries.size, 0);
  t.match(readFileSync(join(home, "auth.json"), "utf8"), second.refreshToken.reveal());
});

t.test(
  "an entry that nobody understands hides no login in auth.json, and is not called absent",
  async (t) => {
    const { auto, file, secrets, account } = setUp(t);
    secrets.entries.set(account, "{");
    await t.rejects(auto.load(), { code: "ERR_STORAGE_CORRUPT" });
    await file.saveLogin(fakeGrant());
    t.match(await auto.load(), { kind: "managed" });
    t.match(auto.warnings, [/cannot be understood/]);
  },
);

t.test("watch tells of the keyring and of the file", async (t) => {
  const clock = createManualClock();
  const { auto, home, secrets, account } = setUp(t, clock);
  let changes = 0;
  await auto.load();
  const watch = auto.watch(() => {
    changes += 1;
  });
  t.teardown(() => watch.close());
  secrets.entries.set(account, "{}");
  await clock.advance(5_000);
  t.equal(changes, 1);
  writeFileSync(join(home, "auth.json"), "{}");
  await clock.advance(5_000);
  t.ok(changes > 1);
});
