import type { Clock } from "@codex-authd/shared";
import { createSecretService } from "./secret-service.js";
import { type SecretStore, SecretStoreError } from "./secret-store.js";

/** Where the keyring is another one than the Secret Service. */
const OTHER_KEYRINGS: readonly NodeJS.Platform[] = ["darwin", "win32"];

/** The keyring that upstream uses on this platform (codex-cli 0.169), or one that refuses everything and says why. */
export function createPlatformSecretStore(clock: Clock): SecretStore {
  return OTHER_KEYRINGS.includes(process.platform) ? createRefusingStore() : createSecretService(clock);
}

function createRefusingStore(): SecretStore {
  const refuse = async (): Promise<never> => {
    throw new SecretStoreError(
      `The keyring of this platform (${process.platform}) is not supported. ` +
        'Set cli_auth_credentials_store = "file" in the config.toml of the Codex home, then log in again.',
    );
  };
  return { load: refuse, save: refuse, remove: refuse, checkWritable: refuse };
}
