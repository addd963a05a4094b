/**
 * How the requests of one session leave the machine: whom they trust, and what they pass through. Decided by the owner's
 * configuration or at the session's login, by the variables of codex-cli 0.169 in their order; see docs/guides/behind-a-proxy.md.
 */
import { resolve } from "node:path";
import { type ChildEnvironment, type ChildEnvironmentVariable, Redacted } from "@codex-authd/shared";

/** A value, and who gave it: the name of a variable, or a key of config.toml in words. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: string;
}

export interface NetworkSettings {
  /** Absolute path of a PEM file whose certificates are trusted beside the system's roots. */
  readonly caFile: Sourced<string> | null;
  /** Proxy for `http://` URLs. A proxy's own URL may hold a password. */
  readonly httpProxy: Sourced<Redacted> | null;
  /** Proxy for `https://` URLs. */
  readonly httpsProxy: Sourced<Redacted> | null;
  /** Hosts that are reached without a proxy, in the form of `NO_PROXY`. */
  readonly noProxy: string | null;
}

/** What config.toml says; `null` where it says nothing. */
export interface ConfiguredNetwork {
  readonly caCertificateFile: string | null;
  readonly httpProxy: Redacted | null;
  readonly httpsProxy: Redacted | null;
  readonly noProxy: string | null;
}

/** No proxy, and the system's roots alone. */
export const DIRECT: NetworkSettings = { caFile: null, httpProxy: null, httpsProxy: null, noProxy: null };

/** The first variable that is set wins, with no fall-through from one that cannot be used (codex-cli 0.169). */
const CA_VARIABLES = ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"] as const;
const HTTP_VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] as const;
const HTTPS_VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] as const;
const NO_PROXY_VARIABLES = ["NO_PROXY", "no_proxy"] as const;

/** What a child environment says. A relative CA file is one of its cwd. */
export function networkOfEnvironment({ cwd, variables }: ChildEnvironment): NetworkSettings {
  const first = (names: readonly ChildEnvironmentVariable[]): Sourced<string> | null => {
    const source = names.find((name) => variables[name]);
    return source === undefined ? null : { value: variables[source] ?? "", source };
  };
  const caFile = first(CA_VARIABLES);
  return {
    caFile: caFile && { ...caFile, value: resolve(cwd, caFile.value) },
    httpProxy: secret(first(HTTP_VARIABLES)),
    httpsProxy: secret(first(HTTPS_VARIABLES)),
    noProxy: first(NO_PROXY_VARIABLES)?.value ?? null,
  };
}

export function networkOfConfig(config: ConfiguredNetwork): NetworkSettings {
  return {
    caFile: sourced(config.caCertificateFile, "ca_certificate_file"),
    httpProxy: sourced(config.httpProxy, "http_proxy"),
    httpsProxy: sourced(config.httpsProxy, "https_proxy"),
    noProxy: config.noProxy,
  };
}

/**
 * The owner's word wins. The three about proxies are one: where the owner says any of them, a login's `NO_PROXY` must not
 * lead around the owner's proxy.
 */
export function underOwner(owner: NetworkSettings, login: NetworkSettings): NetworkSettings {
  const { httpProxy, httpsProxy, noProxy } = owner;
  const saysProxy = httpProxy !== null || httpsProxy !== null || noProxy !== null;
  return { ...(saysProxy ? owner : login), caFile: owner.caFile ?? login.caFile };
}

function sourced<T>(value: T | null, key: string): Sourced<T> | null {
  return value === null ? null : { value, source: `\`${key}\` of config.toml` };
}

function secret(setting: Sourced<string> | null): Sourced<Redacted> | null {
  return setting && { ...setting, value: new Redacted(setting.value) };
}
