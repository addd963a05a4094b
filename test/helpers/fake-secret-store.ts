import { type SecretStore, SecretStoreError } from "#daemon/storage/keyring/secret-store.js";

/** A keyring in memory that can be locked, and taken away. */
export interface FakeSecretStore extends SecretStore {
  readonly entries: Map<string, string>;
  /** `gone`: no service answers. `locked`: entries are there and cannot be opened. Default `open`. */
  state: "open" | "locked" | "gone";
}

export function createFakeSecretStore(): FakeSecretStore {
  const entries = new Map<string, string>();
  const open = (account: string): void => {
    if (store.state === "gone") throw new SecretStoreError("There is no keyring.");
    if (store.state === "locked")
      throw new SecretStoreError("The keyring is locked.", { isEntryPresent: entries.has(account) });
  };
  const store: FakeSecretStore = {
    entries,
    state: "open",
    async load(account) {
      if (store.state === "gone" || entries.has(account)) open(account);
      return entries.get(account);
    },
    async save(account, secret) {
      open(account);
      entries.set(account, secret);
    },
    async remove(account) {
      if (store.state === "gone" || entries.has(account)) open(account);
      return entries.delete(account);
    },
    async checkWritable(account) {
      open(account);
    },
  };
  return store;
}
