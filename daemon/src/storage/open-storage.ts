import type { Clock } from "@codex-authd/shared";
import { createAutoStorage } from "./auto-storage.js";
import { createFileStorage } from "./file-storage.js";
import type { GrantStorage } from "./grant-storage.js";
import { createKeyringStorage } from "./keyring-storage.js";
import type { MemoryLogins } from "./memory-logins.js";
import { createMemoryStorage } from "./memory-storage.js";

export interface StoragePlace {
  readonly codexHome: string;
  readonly storage: "auto" | "file" | "keyring" | "memory";
  /** Of a memory session. */
  readonly sessionName: string;
}

/** The storage of one session; nothing is read yet. */
export function openStorage(
  { codexHome, storage, sessionName }: StoragePlace,
  { clock, memoryLogins }: { readonly clock: Clock; readonly memoryLogins: MemoryLogins },
): GrantStorage {
  switch (storage) {
    case "memory":
      return createMemoryStorage(sessionName, memoryLogins);
    case "keyring":
      return createKeyringStorage(codexHome, clock);
    case "auto":
      return createAutoStorage(codexHome, clock);
    case "file":
      return createFileStorage(codexHome, clock);
  }
}
