import { AuthError } from "@codex-authd/shared";
import type { GrantStorage } from "#daemon/storage/grant-storage.js";

/** A disk that can be full, and an announcement of changes that can fail to come. */
export interface Disk {
  isFull: boolean;
  /** False: nothing tells the session that the file has changed. */
  isWatched: boolean;
  readonly wrapStorage: (storage: GrantStorage) => GrantStorage;
}

/** A full disk is found by the write, as it is: nothing announces it before. */
export function createDisk(): Disk {
  const written = async <T>(write: () => Promise<T>): Promise<T> => {
    if (disk.isFull) throw new AuthError("ERR_STORAGE_UNAVAILABLE", "auth.json cannot be written (ENOSPC).");
    return write();
  };
  const disk: Disk = {
    isFull: false,
    isWatched: true,
    wrapStorage: (storage) => ({
      ...storage,
      saveLogin: (grant) => written(() => storage.saveLogin(grant)),
      saveRefreshed: (grant, spent) => written(() => storage.saveRefreshed(grant, spent)),
      putBackFields: () => written(async () => (await storage.putBackFields?.()) ?? false),
      remove: () => written(() => storage.remove()),
      watch: (onChange) => storage.watch(() => disk.isWatched && onChange()),
    }),
  };
  return disk;
}
