import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprint, systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createAutoStorage } from "#daemon/storage/auto-storage.js";
import { createFileStorage } from "#daemon/storage/file-storage.js";
import type { GrantStorage } from "#daemon/storage/grant-storage.js";
import { createKeyringStorage, keyringAccount } from "#daemon/storage/keyring-storage.js";
import { createFakeSecretStore } from "../helpers/fake-secret-store.js";
import { fakeGrant } from "../helpers/grants.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

interface Document {
  readonly [field: string]: unknown;
  readonly tokens: Readonly<Record<string, unknown>>;
}

interface Store {
  readonly storage: GrantStorage;
  read(): Document;
  write(document: Document): void;
}

/** Each kind of store, and how another process reads and writes it. */
const STORES: Readonly<Record<string, (t: Test) => Store>> = {
  file(t) {
    const home = temporaryFolder(t);
    const path = join(home, "auth.json");
    return {
      storage: createFileStorage(home, systemClock),
      read: () => JSON.parse(readFileSync(path, "utf8")),
      write: (document) => writeFileSync(path, JSON.stringify(document)),
    };
  },
  keyring(t) {
    const home = temporaryFolder(t);
    const { secrets, ...entry } = entryOf(home);
    return { storage: createKeyringStorage(home, systemClock, { secrets }), ...entry };
  },
  auto(t) {
    const home = temporaryFolder(t);
    const { secrets, ...entry } = entryOf(home);
    return { storage: createAutoStorage(home, systemClock, secrets), ...entry };
  },
};

function entryOf(home: string) {
  const secrets = createFakeSecretStore();
  const account = keyringAccount(home);
  return {
    secrets,
    read: (): Document => JSON.parse(secrets.entries.get(account) ?? ""),
    write: (document: Document) => void secrets.entries.set(account, JSON.stringify(document)),
  };
}

/** A store with a login and a field that nobody knows at each level, as the storage has seen them. */
async function withUnknownFields(t: Test, kind: keyof typeof STORES): Promise<Store> {
  const store = STORES[kind]?.(t);
  if (!store) throw new RangeError(`No store ${kind}`);
  await store.storage.saveLogin(fakeGrant());
  const document = store.read();
  store.write({ ...document, note: { by: "me" }, tokens: { ...document.tokens, extra: 7 } });
  await store.storage.load();
  return store;
}

/** As a Codex refreshes: new tokens, and nothing that it does not know. */
function rotatedByCodex({ note: _, tokens: { extra: __, ...tokens }, ...known }: Document): Document {
  const { accessToken, refreshToken } = fakeGrant();
  return {
    ...known,
    tokens: { ...tokens, access_token: accessToken.reveal(), refresh_token: refreshToken.reveal() },
  };
}

async function loadAndPutBack({ storage }: Store): Promise<boolean | undefined> {
  await storage.load();
  return storage.putBackFields?.();
}

for (const kind of Object.keys(STORES)) {
  t.test(`${kind}: what a Codex dropped when it rotated the tokens is put back, once`, async (t) => {
    const store = await withUnknownFields(t, kind);
    t.equal(await loadAndPutBack(store), false, "nothing is gone");
    for (const round of ["first", "second"]) {
      const rotated = rotatedByCodex(store.read());
      store.write(rotated);
      t.equal(await loadAndPutBack(store), true, `${round} rotation`);
      t.same(store.read(), { ...rotated, note: { by: "me" }, tokens: { ...rotated.tokens, extra: 7 } });
      t.equal(await loadAndPutBack(store), false, "it is there");
    }
  });
}

t.test("what is removed while the tokens stay is not put back, now or after a rotation", async (t) => {
  const store = await withUnknownFields(t, "file");
  const { note: _, ...kept } = store.read();
  store.write(kept as Document);
  t.equal(await loadAndPutBack(store), false);
  store.write(rotatedByCodex(store.read()));
  t.equal(await loadAndPutBack(store), true);
  t.match(store.read(), { note: undefined, tokens: { extra: 7 } });
});

t.test("what was put back and is dropped again with the same tokens is left alone: no fight", async (t) => {
  const store = await withUnknownFields(t, "file");
  const rotated = rotatedByCodex(store.read());
  store.write(rotated);
  t.equal(await loadAndPutBack(store), true);
  store.write(rotated);
  t.equal(await loadAndPutBack(store), false);
  t.same(store.read(), rotated);
});

t.test("another login, and another account, begin without the fields of the one before", async (t) => {
  for (const other of [
    { login_owner_id: "another" },
    { account_id: "acct-2" },
    { login_owner_id: undefined },
  ]) {
    const store = await withUnknownFields(t, "file");
    const rotated = rotatedByCodex(store.read());
    store.write({ ...rotated, tokens: { ...rotated.tokens, ...other } });
    t.equal(await loadAndPutBack(store), false, JSON.stringify(other));
  }
});

t.test("nothing is put back into a content that was not looked at", async (t) => {
  const store = await withUnknownFields(t, "file");
  store.write(rotatedByCodex(store.read()));
  await store.storage.load();
  const rotatedAgain = rotatedByCodex(store.read());
  store.write(rotatedAgain);
  t.equal(await store.storage.putBackFields?.(), false);
  t.same(store.read(), rotatedAgain);
  t.equal(await loadAndPutBack(store), true, "until it is");
});

t.test("a value that somebody wrote anew stays", async (t) => {
  const store = await withUnknownFields(t, "file");
  const rotated = rotatedByCodex(store.read());
  store.write({ ...rotated, note: "newer" });
  t.equal(await loadAndPutBack(store), true);
  t.match(store.read(), { note: "newer", tokens: { extra: 7 } });
});

t.test("what could not be put back is put back after the next rotation", async (t) => {
  const home = temporaryFolder(t);
  const { secrets, ...entry } = entryOf(home);
  const store = { storage: createKeyringStorage(home, systemClock, { secrets }), ...entry };
  await store.storage.saveLogin(fakeGrant());
  store.write({ ...store.read(), note: 1 });
  await store.storage.load();
  store.write(rotatedByCodex(store.read()));
  await store.storage.load();
  secrets.state = "locked";
  await t.rejects(async () => store.storage.putBackFields?.(), { code: "ERR_STORAGE_UNAVAILABLE" });
  secrets.state = "open";
  store.write(rotatedByCodex(store.read()));
  t.equal(await loadAndPutBack(store), true);
  t.match(store.read(), { note: 1 });
});

t.test("our own rotation is not taken for one by Codex", async (t) => {
  const store = await withUnknownFields(t, "file");
  const { note: _, ...kept } = store.read();
  store.write(kept as Document);
  const spent = fingerprint(String(kept.tokens.refresh_token));
  t.equal(await store.storage.saveRefreshed(fakeGrant(), spent), "stored");
  t.equal(await loadAndPutBack(store), false, "what a person removed just before stays removed");
  t.match(store.read(), { note: undefined, tokens: { extra: 7 } });
});

t.test("auto: the fields follow a login that Codex moves from auth.json to the keyring", async (t) => {
  const home = temporaryFolder(t);
  const { secrets, ...entry } = entryOf(home);
  const path = join(home, "auth.json");
  await createFileStorage(home, systemClock).saveLogin(fakeGrant());
  const document = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...document, note: 1 }));
  const store = { storage: createAutoStorage(home, systemClock, secrets), ...entry };
  await store.storage.load();
  store.write(rotatedByCodex(document));
  t.equal(await loadAndPutBack(store), true);
  t.match(store.read(), { note: 1 });
  t.ok(existsSync(path), "whose file it leaves alone");
});
