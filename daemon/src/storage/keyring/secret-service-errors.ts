/** What can go wrong with a Secret Service, in words that say what to do. */
import { DbusError } from "./dbus-connection.js";
import { SecretStoreError } from "./secret-store.js";

const INSTEAD = 'or set cli_auth_credentials_store = "file" in the config.toml of the Codex home';

/** What failed on the way to the service; an error answer is known by its name. */
export function asSecretStoreError(error: unknown): SecretStoreError {
  if (error instanceof SecretStoreError) return error;
  if (!(error instanceof DbusError)) return noService(error);
  if (error.errorName === "org.freedesktop.Secret.Error.IsLocked") return keyringLocked(error);
  if (/\.(ServiceUnknown|NameHasNoOwner|Spawn\.\w+)$/.test(error.errorName)) return noService(error);
  return new SecretStoreError(
    `The keyring refused (${error.errorName}). Look at its own program, ${INSTEAD}.`,
    { cause: error },
  );
}

export function noService(cause?: unknown): SecretStoreError {
  return new SecretStoreError(
    "There is no keyring: no Secret Service answers on the session bus. Start one (GNOME Keyring, KWallet or KeePassXC), " +
      `make sure that the daemon has DBUS_SESSION_BUS_ADDRESS or XDG_RUNTIME_DIR in its environment, ${INSTEAD}.`,
    { cause },
  );
}

export function noAnswer(deadlineMs: number): SecretStoreError {
  return new SecretStoreError(
    `The keyring did not answer within ${deadlineMs / 1000} seconds. Answer the question that it may be asking, restart it, ${INSTEAD}.`,
  );
}

export function noDefaultKeyring(): SecretStoreError {
  return new SecretStoreError(
    `The Secret Service has no default keyring to store a login in. Create one with its own program, ${INSTEAD}.`,
  );
}

export function keyringLocked(cause?: unknown): SecretStoreError {
  return new SecretStoreError(
    `The keyring is locked, and the daemon never asks for its password. Unlock it (log in to the desktop, or use the keyring's own program), ${INSTEAD}.`,
    { cause },
  );
}

export function entryLocked(): SecretStoreError {
  return new SecretStoreError(
    "The login is in a locked keyring, and the daemon never asks for its password. " +
      "Unlock it: log in to the desktop, or use the keyring's own program.",
    { isEntryPresent: true },
  );
}

export function ambiguous(account: string): SecretStoreError {
  return new SecretStoreError(
    `The keyring has several entries of the service "Codex Auth" with the username "${account}". Remove all but one with the keyring's own program.`,
    { isEntryPresent: true },
  );
}
