/**
 * Where a session's tokens rest. The one folder that puts secrets on disk; it knows no issuer, no session, no caller.
 * A storage never decides: it says what is there, and writes what it is given, durably or not at all.
 */
import type { EpochMs, PlanType, Redacted, StoredFacts } from "@codex-authd/shared";

/** A managed ChatGPT login: what the daemon owns, refreshes and stores. */
export interface Grant {
  readonly idToken: Redacted;
  readonly accessToken: Redacted;
  readonly refreshToken: Redacted;
  readonly accountId: string | null;
  /** Where the refresh token may be sent: `oauth_provenance.issuer`, or `null` for the configured issuer. */
  readonly issuer: string | null;
  /** `oauth_provenance.client_id`, or `null` for the configured one. */
  readonly clientId: string | null;
  readonly lastRefreshAtMs: EpochMs | null;
}

/** What is in a store: a login of ours to manage, another kind of credential that is only shown, or nothing. */
export type StoredCredential =
  | { readonly kind: "absent" }
  | { readonly kind: "managed"; readonly grant: Grant }
  | ({ readonly kind: "other" } & OtherCredential);

/** A credential that is shown and left alone. What the store does not tell is `null`. */
export interface OtherCredential {
  readonly authMode: string;
  readonly accountId: string | null;
  readonly email: string | null;
  readonly planType: PlanType | null;
  readonly expiresAtMs: EpochMs | null;
}

/** What a document of upstream's holds, whatever of it counts. */
export type StoredDescription = Pick<StoredFacts, "mode" | "hasApiKey" | "hasTokens" | "hasLastRefresh">;

/** `superseded`: the store no longer holds the login that the new tokens come from; nothing was written. */
export type SaveOutcome = "stored" | "superseded";

export interface GrantStorage {
  /** Where the login is, as of the last use. */
  readonly kind: "file" | "keyring" | "memory";
  /** The real place, links resolved: two names of one place are one session. */
  readonly location: string;

  /** True when a login was here, in the memory of a daemon that has ended. Default: false. */
  readonly endedWithDaemon?: boolean;

  /** What a person should know of where the login rests, as of the last use. Default: nothing. */
  readonly warnings?: readonly string[];

  /**
   * @throws AuthError ERR_STORAGE_CORRUPT when something is there that cannot be understood, after it was read again
   *   for as long as a writer may be in the middle of it
   * @throws AuthError ERR_STORAGE_UNAVAILABLE when it cannot be read
   */
  load(): Promise<StoredCredential>;

  /**
   * What is in the store, for a person; `undefined` when it is empty. Default: nothing that Codex could read is here.
   * @throws AuthError as {@link GrantStorage.load}
   */
  describe?(): Promise<StoredDescription | undefined>;

  /**
   * Proves, before a token is spent, that its successor could be stored.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE naming the obstacle
   */
  checkWritable(): Promise<void>;

  /**
   * Stores a new login over whatever is there.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the old content is then untouched
   */
  saveLogin(grant: Grant): Promise<void>;

  /**
   * Stores rotated tokens, if the store still holds the login they come from: the one whose refresh token has the
   * fingerprint `spent`.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the old content is then untouched
   */
  saveRefreshed(grant: Grant, spent: string): Promise<SaveOutcome>;

  /**
   * Puts back the fields that are unknown to Codex and were lost when it rotated the tokens of this login, if the store
   * still holds what was last loaded. True when there were some. At most one write for each content. Default: nothing is lost here.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the content is then untouched
   */
  putBackFields?(): Promise<boolean>;

  /**
   * Forgets the login. True when there was one.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE
   */
  remove(): Promise<boolean>;

  /** Removes what a daemon that was killed in the middle of a write left behind. */
  tidy?(): void;

  /** Calls `onChange` soon after somebody may have changed the store; content decides, not events. */
  watch(onChange: () => void): { close(): Promise<void> };
}
