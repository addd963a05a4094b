import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redacted } from "@codex-authd/shared";
import t from "tap";
import { createVolatileRecord, openSessionRecord, rememberedHomes } from "#daemon/storage/session-record.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const PLACE = { location: "/home/me/.codex/auth.json", codexHome: "/home/me/.codex" };

t.test("an intent is on disk before the exchange, and is known after a crash", async (t) => {
  const folder = temporaryFolder(t);
  const record = openSessionRecord(folder, PLACE);
  t.equal(record.intent, null);
  record.begin("fingerprint-1", 17);
  record.close();
  const after = openSessionRecord(folder, PLACE);
  t.same(after.intent, { refreshToken: "fingerprint-1", startedAtMs: 17, tries: 1 });
  after.end();
  after.close();
  const clean = openSessionRecord(folder, PLACE);
  t.equal(clean.intent, null);
  clean.close();
});

t.test("an intent counts how often its token was presented", async (t) => {
  const record = createVolatileRecord("memory:work");
  record.begin("fingerprint-1", 1);
  record.begin("fingerprint-1", 2);
  t.match(record.intent, { tries: 2 });
  record.begin("fingerprint-2", 3);
  t.match(record.intent, { tries: 1 });
});

t.test("an intent that cannot be written is an error, so that nothing is spent", async (t) => {
  const folder = temporaryFolder(t);
  const record = openSessionRecord(folder, PLACE);
  record.begin("fingerprint-1", 1);
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  record.end();
  // A folder in its place cannot be replaced by a file, not even by root.
  const { rmSync } = await import("node:fs");
  rmSync(join(folder, name ?? ""));
  mkdirSync(join(folder, name ?? ""));
  t.throws(() => record.begin("fingerprint-2", 2), {
    code: "ERR_STORAGE_UNAVAILABLE",
    message: /no token is spent/,
  });
  t.equal(record.intent, null, "what was not sent holds nothing back");
  record.close();
});

t.test("spent tokens are remembered across restarts, the last 64 of them", async (t) => {
  const folder = temporaryFolder(t);
  const record = openSessionRecord(folder, PLACE);
  record.begin("token-0", 1);
  for (let count = 0; count < 70; count += 1) record.markSpent(`token-${count}`);
  record.end();
  record.close();
  const after = openSessionRecord(folder, PLACE);
  t.notOk(after.isSpent("token-5"));
  t.ok(after.isSpent("token-6"));
  t.ok(after.isSpent("token-69"));
  after.close();
});

t.test("one owner at a time; the next one takes over what the first remembered", async (t) => {
  const folder = temporaryFolder(t);
  const first = openSessionRecord(folder, PLACE);
  const second = openSessionRecord(folder, PLACE);
  t.equal(first.ownership, "owned");
  t.equal(second.ownership, "elsewhere");
  first.begin("token-1", 1);
  first.markSpent("token-1");
  first.end();
  second.claim();
  t.equal(second.ownership, "elsewhere");
  first.close();
  second.claim();
  t.equal(second.ownership, "owned");
  t.ok(second.isSpent("token-1"));
  second.close();
});

t.test("a spoilt record is made anew; an unusable folder leaves nobody the owner", async (t) => {
  const folder = temporaryFolder(t);
  const record = openSessionRecord(folder, PLACE);
  record.begin("fingerprint-1", 1);
  record.close();
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  t.match(readFileSync(join(folder, name ?? ""), "utf8"), "fingerprint-1");
  writeFileSync(join(folder, name ?? ""), "{");
  const anew = openSessionRecord(folder, PLACE);
  t.equal(anew.intent, null);
  anew.close();
  writeFileSync(join(folder, "file"), "");
  const unusable = openSessionRecord(join(folder, "file", "x"), PLACE);
  t.equal(unusable.ownership, "unlockable");
  unusable.close();
});

t.test("rememberedHomes lists the Codex homes that have a record", async (t) => {
  const folder = temporaryFolder(t);
  for (const place of [PLACE, { location: "/two/auth.json", codexHome: "/two" }]) {
    const record = openSessionRecord(folder, place);
    record.begin("token", 1);
    record.close();
  }
  t.same(rememberedHomes(folder).sort(), [PLACE.codexHome, "/two"]);
  t.same(rememberedHomes(join(folder, "nowhere")), []);
});

t.test(
  "what a login was bound to is remembered across restarts, passwords included, for nobody else to read",
  async (t) => {
    const folder = temporaryFolder(t);
    const proxy = { value: new Redacted("http://me:secret@proxy:8080"), source: "ALL_PROXY" };
    const settings = {
      caFile: { value: "/ca.pem", source: "CODEX_CA_CERTIFICATE" },
      httpProxy: proxy,
      httpsProxy: proxy,
      noProxy: "localhost",
    };
    const record = openSessionRecord(folder, PLACE);
    t.equal(record.network, null);
    record.bind({ accountId: "acct-1", settings });
    record.close();
    const [name = ""] = readdirSync(folder).filter((file) => file.endsWith(".json"));
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
    const after = openSessionRecord(folder, PLACE);
    t.equal(after.network?.settings.httpsProxy?.value.reveal(), "http://me:secret@proxy:8080");
    t.match(after.network, {
      accountId: "acct-1",
      settings: { caFile: settings.caFile, noProxy: "localhost" },
    });
    after.begin("token-1", 1);
    after.bind(null);
    t.match(after.intent, { refreshToken: "token-1" }, "nothing else is forgotten");
    after.close();
    const unbound = openSessionRecord(folder, PLACE);
    t.equal(unbound.network, null);
    unbound.close();
  },
);

t.test("a record that was written before there were bindings is still good", async (t) => {
  const folder = temporaryFolder(t);
  const record = openSessionRecord(folder, PLACE);
  record.begin("token-1", 1);
  record.close();
  const [name = ""] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  const { network: _, ...older } = JSON.parse(readFileSync(join(folder, name), "utf8"));
  writeFileSync(join(folder, name), JSON.stringify(older));
  const after = openSessionRecord(folder, PLACE);
  t.match(after.intent, { refreshToken: "token-1" });
  t.equal(after.network, null);
  after.close();
});

t.test("a volatile record remembers as long as it lives", async (t) => {
  const record = createVolatileRecord("memory:work");
  record.begin("fingerprint-1", 1);
  record.markSpent("token-1");
  t.equal(record.ownership, "owned");
  t.match(record.intent, { refreshToken: "fingerprint-1" });
  t.ok(record.isSpent("token-1"));
});
