import { fingerprint } from "@codex-authd/shared";
import type { Grant, GrantStorage } from "./grant-storage.js";
import type { MemoryLogins } from "./memory-logins.js";

/** A session in the daemon's memory only: nothing of its login is on disk, and it ends with the daemon. */
export function createMemoryStorage(name: string, logins: MemoryLogins): GrantStorage {
  let stored: Grant | undefined;
  return {
    kind: "memory",
    location: `memory:${name}`,
    endedWithDaemon: logins.hasEnded(name),
    load: async () => (stored ? { kind: "managed", grant: stored } : { kind: "absent" }),
    checkWritable: async () => {},
    async saveLogin(grant) {
      stored = grant;
      logins.add(name);
    },
    async saveRefreshed(grant, spent) {
      if (!stored || fingerprint(stored.refreshToken.reveal()) !== spent) return "superseded";
      stored = grant;
      return "stored";
    },
    async remove() {
      const had = stored !== undefined;
      stored = undefined;
      logins.remove(name);
      return had;
    },
    watch: () => ({ close: async () => {} }),
  };
}
