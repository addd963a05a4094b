/** The platform's keyring, as a store of login documents: one secret for each account, under upstream's names. */
import { AuthError } from "@codex-authd/shared";

/**
 * Every method ends within some seconds, never asks anybody to unlock anything, and throws a {@link SecretStoreError}. So
 * a program without a screen can use it, and a poll cannot make dialogs appear.
 */
export interface SecretStore {
  /** The secret of `account`, or `undefined` when the store has none. */
  load(account: string): Promise<string | undefined>;
  /** Stores `secret` in place of what is there, whole or not at all. */
  save(account: string, secret: string): Promise<void>;
  /** Forgets the secret. True when there was one. */
  remove(account: string): Promise<boolean>;
  /** Proves, without writing, that {@link save} can work. */
  checkWritable(account: string): Promise<void>;
}

/** ERR_STORAGE_UNAVAILABLE of a keyring; the message says what to do. */
export class SecretStoreError extends AuthError {
  /** True when a login is there that cannot be opened now; it counts again as soon as it can be. */
  readonly isEntryPresent: boolean;

  constructor(message: string, options: { isEntryPresent?: boolean; cause?: unknown } = {}) {
    super("ERR_STORAGE_UNAVAILABLE", message, { cause: options.cause });
    this.isEntryPresent = options.isEntryPresent ?? false;
  }
}
