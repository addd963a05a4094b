import { AuthError, type Clock, fingerprint, sleep } from "@codex-authd/shared";
import type { GrantStorage, StoredCredential } from "#daemon/storage/grant-storage.js";
import type { Life } from "./memory-issuer.js";

/** An auth.json in memory that other processes write to, with the faults of a disk. */
export class MemoryFile {
  content: StoredCredential | { readonly kind: "torn" } = { kind: "absent" };
  /** Writes fail, and nothing says so before. */
  isFull = false;
  /** Writes fail, and the check before an exchange knows. */
  isLocked = false;
  /** A change by another process is announced this long after it was made. */
  announcedAfterMs = 100;
  /** What each access takes. */
  latencyMs = 0;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The write of another process. */
  write(content: MemoryFile["content"]): void {
    this.content = content;
    this.#clock.setTimer(this.announcedAfterMs, () => {
      for (const listener of this.#listeners) listener();
    });
  }

  /** The file as one life of the daemon reaches it. */
  connect(life: Life): GrantStorage {
    const access = async <T>(work: () => T): Promise<T> => {
      if (this.latencyMs > 0) await sleep(this.#clock, this.latencyMs);
      return life.isAlive ? work() : new Promise<never>(() => {});
    };
    const write = <T>(work: () => T): Promise<T> =>
      access(() => {
        if (this.isFull || this.isLocked)
          throw new AuthError("ERR_STORAGE_UNAVAILABLE", "It cannot be written.");
        return work();
      });
    return {
      kind: "file",
      location: "/memory/auth.json",
      load: () => access(() => this.#read()),
      checkWritable: () =>
        access(() => {
          if (this.isLocked) throw new AuthError("ERR_STORAGE_UNAVAILABLE", "It cannot be locked.");
        }),
      saveLogin: (grant) =>
        write(() => {
          this.content = { kind: "managed", grant };
        }),
      saveRefreshed: (grant, spent) =>
        write(() => {
          const stored = this.#read();
          if (stored.kind !== "managed" || fingerprint(stored.grant.refreshToken.reveal()) !== spent)
            return "superseded";
          this.content = { kind: "managed", grant };
          return "stored";
        }),
      remove: () =>
        write(() => {
          const wasThere = this.content.kind !== "absent";
          this.content = { kind: "absent" };
          return wasThere;
        }),
      watch: (onChange) => {
        const listener = (): void => (life.isAlive ? onChange() : undefined);
        this.#listeners.add(listener);
        return { close: async () => void this.#listeners.delete(listener) };
      },
    };
  }

  #read(): StoredCredential {
    if (this.content.kind === "torn") throw new AuthError("ERR_STORAGE_CORRUPT", "It cannot be understood.");
    return this.content;
  }
}
