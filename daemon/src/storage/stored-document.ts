/** The login in one auth.json document, wherever that document rests. */
import {
  type AuthJson,
  credentialFrom,
  descriptionOf,
  storedRefreshToken,
  withRefreshedTokens,
} from "./auth-json.js";
import type { DroppedFields } from "./dropped-fields.js";
import type { GrantStorage } from "./grant-storage.js";

/** What is to be stored in place of a document; `undefined`: it stays. */
export type Change = (document: AuthJson) => AuthJson | undefined;

export interface DocumentPlace {
  load(): Promise<AuthJson | undefined>;
  /** Stores what `change` makes of the document, under upstream's locks, and answers that; `undefined` when it stays. */
  replace(change: Change): Promise<AuthJson | undefined>;
}

export function storedDocument(
  place: DocumentPlace,
  dropped: DroppedFields,
): Required<Pick<GrantStorage, "load" | "describe" | "saveRefreshed" | "putBackFields">> {
  const replace = async (change: Change): Promise<boolean> => {
    const stored = await place.replace(change);
    if (stored) dropped.see(stored);
    return stored !== undefined;
  };
  return {
    async load() {
      const document = await place.load();
      if (!document) return { kind: "absent" };
      dropped.see(document);
      return credentialFrom(document);
    },
    async describe() {
      const document = await place.load();
      return document && descriptionOf(document);
    },
    async saveRefreshed(grant, spent) {
      const isStored = await replace((document) => {
        dropped.see(document);
        return storedRefreshToken(document) === spent ? withRefreshedTokens(document, grant) : undefined;
      });
      return isStored ? "stored" : "superseded";
    },
    putBackFields: async () => dropped.isAny && replace(dropped.putBackInto),
  };
}
