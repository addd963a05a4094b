/** Whom a TLS connection trusts: the system's roots, and the certificates of a session's CA file beside them. */
import { readFileSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { type CaBundle, readCaBundle } from "./ca-bundle.js";
import type { NetworkSettings } from "./network-settings.js";

/** Where systems keep the roots that their administrator decides about; the first that is there counts (Go, crypto/x509). */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** What one CA file meant when it was last used. */
export interface Trust {
  /** `null`, and no bundle: the system's roots alone. */
  readonly caFile: NetworkSettings["caFile"];
  readonly bundle: CaBundle | null;
  readonly secureContext: SecureContext;
}

interface KnownTrust extends Trust {
  readonly systemRoots: string;
}

/** CA files whose meaning is kept; a machine has one or two. */
const KNOWN_MAX = 16;

export interface TrustStore {
  /**
   * Looks at the files anew, and builds the context, which takes some 50 ms, only when one has changed.
   * @throws HttpFailure when the CA file cannot be used
   */
  trustIn(caFile: NetworkSettings["caFile"]): Trust;
}

/**
 * The roots are those that Node brings and, since Codex trusts the platform's (codex-cli 0.169), the bundle of the system,
 * where companies put their own.
 * @param systemBundles where that may be
 */
export function createTrustStore(systemBundles: readonly string[] = SYSTEM_BUNDLES): TrustStore {
  const known = new Map<string, KnownTrust>();
  return {
    trustIn(caFile) {
      const name = caFile ? `${caFile.source}=${caFile.value}` : "";
      const before = known.get(name);
      const bundle = caFile && readCaBundle(caFile, before?.bundle ?? undefined);
      const systemRoots = firstOf(systemBundles);
      if (before && before.bundle === bundle && before.systemRoots === systemRoots) return before;
      const trust = { caFile, bundle, systemRoots, secureContext: contextOf(bundle, systemRoots) };
      if (known.size >= KNOWN_MAX) known.clear();
      known.set(name, trust);
      return trust;
    },
  };
}

function contextOf(bundle: CaBundle | null, systemRoots: string): SecureContext {
  const own = bundle?.certificates.map(String) ?? [];
  return createSecureContext({ ca: [...rootCertificates, systemRoots, ...own] });
}

/** Without any, Node's roots are what there is. */
function firstOf(paths: readonly string[]): string {
  for (const path of paths) {
    try {
      return readFileSync(path, "utf8");
    } catch {}
  }
  return "";
}
