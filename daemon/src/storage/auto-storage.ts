import type { Clock } from "@codex-authd/shared";
import { createDroppedFields } from "./dropped-fields.js";
import { createFileStorage } from "./file-storage.js";
import type { GrantStorage } from "./grant-storage.js";
import { type SecretStore, SecretStoreError } from "./keyring/secret-store.js";
import { createKeyringStorage } from "./keyring-storage.js";

/**
 * The session in the keyring, and in auth.json where there is no keyring: upstream's `cli_auth_credentials_store = "auto"`
 * (codex-cli 0.169). An entry in the keyring wins. A login that was seen in the keyring, or that is locked in it, is never
 * taken for gone nor replaced by one in auth.json, which would lose to it later.
 * @param secrets default: the keyring of this platform
 */
export function createAutoStorage(codexHome: string, clock: Clock, secrets?: SecretStore): GrantStorage {
  // One memory for both: Codex moves a login from the file to the keyring.
  const dropped = createDroppedFields();
  const keyring = createKeyringStorage(codexHome, clock, { dropped, ...(secrets && { secrets }) });
  const file = createFileStorage(codexHome, clock, dropped);
  let current: GrantStorage = file;
  let obstacle: Error | null = null;
  const use = (storage: GrantStorage, why: Error | null): void => {
    current = storage;
    obstacle = why;
  };
  const mayUseFile = (error: unknown): error is SecretStoreError =>
    error instanceof SecretStoreError && !error.isEntryPresent && current === file;

  return {
    get kind() {
      return current.kind;
    },
    location: keyring.location.replace(/^keyring:/, "auto:"),
    get warnings() {
      return obstacle ? [insteadOfKeyring(obstacle)] : (current.warnings ?? []);
    },
    async load() {
      try {
        const stored = await keyring.load();
        use(stored.kind === "absent" ? file : keyring, null);
        return stored.kind === "absent" ? file.load() : stored;
      } catch (error) {
        const stored = await file.load();
        if (stored.kind === "absent" && !mayUseFile(error)) throw error;
        use(file, error as Error);
        return stored;
      }
    },
    describe: async () => current.describe?.(),
    checkWritable: () => current.checkWritable(),
    async saveLogin(grant) {
      try {
        await keyring.saveLogin(grant);
        use(keyring, null);
      } catch (error) {
        if (!mayUseFile(error)) throw error;
        await file.saveLogin(grant);
        use(file, error);
      }
    },
    saveRefreshed: (grant, spent) => current.saveRefreshed(grant, spent),
    putBackFields: async () => (await current.putBackFields?.()) ?? false,
    tidy: () => file.tidy?.(),
    async remove() {
      try {
        return await keyring.remove();
      } catch (error) {
        if (!mayUseFile(error)) throw error;
        return file.remove();
      }
    },
    watch(onChange) {
      const watches = [keyring.watch(onChange), file.watch(onChange)];
      return {
        async close() {
          await Promise.all(watches.map((watch) => watch.close()));
        },
      };
    },
  };
}

function insteadOfKeyring({ message }: Error): string {
  return `cli_auth_credentials_store is "auto", but the login is kept in auth.json, protected by the file's permissions only. ${message}`;
}
