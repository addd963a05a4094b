import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { AuthError, type Clock, fingerprint } from "@codex-authd/shared";
import { type AuthJson, parseAuthJson, withLogin } from "./auth-json.js";
import { withCodexLocks } from "./codex-lock.js";
import { createDroppedFields, type DroppedFields } from "./dropped-fields.js";
import { createFileStorage } from "./file-storage.js";
import type { GrantStorage } from "./grant-storage.js";
import { createPlatformSecretStore } from "./keyring/platform-secret-store.js";
import type { SecretStore } from "./keyring/secret-store.js";
import { type Change, type DocumentPlace, storedDocument } from "./stored-document.js";

/**
 * How soon a login of another process is noticed. A look is six messages on a local socket and takes the keyring two
 * milliseconds; its signals would tell sooner, at the price of a connection to keep alive.
 */
const LOOK_MS = 5_000;

export interface KeyringStorageOptions {
  /** Default: the keyring of this platform. */
  readonly secrets?: SecretStore;
  /** What to remember of the login. Default: what is seen here. */
  readonly dropped?: DroppedFields;
}

/**
 * The session in the platform's keyring, under upstream's names (codex-cli 0.169, `cli_auth_credentials_store = "keyring"`).
 * A login that is stored here leaves no auth.json behind.
 */
export function createKeyringStorage(
  codexHome: string,
  clock: Clock,
  options: KeyringStorageOptions = {},
): GrantStorage {
  const { secrets = createPlatformSecretStore(clock), dropped = createDroppedFields() } = options;
  const account = keyringAccount(codexHome);
  const entry = createEntry(secrets, account);
  const file = createFileStorage(codexHome, clock);
  const locked = <T>(commit: () => Promise<T>): Promise<T> =>
    withCodexLocks({ codexHome, realFile: null }, clock, commit).catch((error) => {
      throw asAuthError(error);
    });
  const document: DocumentPlace = {
    load: entry.load,
    replace: (change) => locked(() => replaceDocument(entry, change)),
  };
  let warnings: readonly string[] = [];
  const removeFile = async (): Promise<void> => {
    const left = await file.remove().catch(asAuthError);
    warnings = left instanceof AuthError ? [leftBehind(file.location, left)] : [];
  };
  return {
    ...storedDocument(document, dropped),
    kind: "keyring",
    location: entry.location,
    get warnings() {
      return warnings;
    },
    checkWritable: () => locked(() => secrets.checkWritable(account)),
    async saveLogin(grant) {
      await locked(async () => entry.save(withLogin(await entry.loadToReplace(), grant)));
      await removeFile();
    },
    async remove() {
      const wasInKeyring = await locked(entry.remove);
      return (await file.remove()) || wasInKeyring;
    },
    watch: (onChange) => watchEntry(entry, clock, onChange),
  };
}

/** Upstream's account name: `cli|` and 16 hex digits of the SHA-256 of the canonical Codex home (codex-cli 0.169). */
export function keyringAccount(codexHome: string): string {
  return `cli|${createHash("sha256").update(canonical(codexHome)).digest("hex").slice(0, 16)}`;
}

function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** One entry of the keyring, and what was last seen of it. */
interface Entry {
  readonly location: string;
  /** Changes when the content, or what keeps it from being read, is another one than at the last look. */
  readonly seen: string;
  load(): Promise<AuthJson | undefined>;
  loadToReplace(): Promise<AuthJson | undefined>;
  save(document: AuthJson): Promise<void>;
  remove(): Promise<boolean>;
  look(): Promise<string | undefined>;
}

function createEntry(secrets: SecretStore, account: string): Entry {
  const location = `keyring:${account}`;
  let seen = "";
  const look = async (): Promise<string | undefined> => {
    try {
      const text = await secrets.load(account);
      seen = text === undefined ? "" : fingerprint(text);
      return text;
    } catch (error) {
      seen = asAuthError(error).message;
      throw error;
    }
  };
  const parse = (text: string | undefined): AuthJson | undefined =>
    text === undefined ? undefined : parseAuthJson(text, location);
  return {
    location,
    get seen() {
      return seen;
    },
    look,
    load: async () => parse(await look()),
    async loadToReplace() {
      const text = await look();
      try {
        return parse(text);
      } catch {
        // What nobody understands may be somebody's only copy.
        await secrets.save(`${account}.corrupt`, text ?? "");
        return undefined;
      }
    },
    async save(document) {
      const text = JSON.stringify(document);
      await secrets.save(account, text);
      seen = fingerprint(text);
    },
    async remove() {
      const wasThere = await secrets.remove(account);
      seen = "";
      return wasThere;
    },
  };
}

async function replaceDocument(entry: Entry, change: Change): Promise<AuthJson | undefined> {
  const document = await entry.load();
  const next = document && change(document);
  if (next) await entry.save(next);
  return next;
}

function watchEntry(entry: Entry, clock: Clock, onChange: () => void): { close(): Promise<void> } {
  let isClosed = false;
  const look = async (): Promise<void> => {
    const before = entry.seen;
    await entry.look().catch(() => {});
    if (isClosed) return;
    if (entry.seen !== before) onChange();
    cancel = clock.setTimer(LOOK_MS, () => void look());
  };
  let cancel = clock.setTimer(LOOK_MS, () => void look());
  return {
    async close() {
      isClosed = true;
      cancel();
    },
  };
}

function leftBehind(path: string, error: AuthError): string {
  return `The login is in the keyring, but the older one in ${path} could not be removed. ${error.message}`;
}

function asAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  return new AuthError("ERR_STORAGE_UNAVAILABLE", "The keyring cannot be used. It is tried again.", {
    cause: error,
  });
}
