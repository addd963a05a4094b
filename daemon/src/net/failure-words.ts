/** What a request failed of before it was sent, and the cure. A proxy is named without its password. */
import { HttpFailure } from "./http-failure.js";
import type { HttpProxy } from "./proxy.js";
import type { Way } from "./way.js";

type SystemError = Error & { readonly code?: string };

/** OpenSSL's reasons to refuse a certificate, by the names that Node gives them; the cure depends on the kind. */
const DISTRUST: Readonly<Record<string, "unknown" | "expired" | "foreign">> = {
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknown",
  ERR_TLS_CERT_ALTNAME_INVALID: "foreign",
  SELF_SIGNED_CERT_IN_CHAIN: "unknown",
  UNABLE_TO_GET_ISSUER_CERT: "unknown",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown",
};

/** RFC 9110 §15.5.8: the proxy's answer to a request without good credentials, which it keeps to itself. */
export const PROXY_AUTHENTICATION_REQUIRED = 407;

/** The server itself could not be reached, or is not trusted. */
export function originFailure(way: Way, error: SystemError): HttpFailure {
  return unsent(
    way,
    distrust(way, error) ?? `${reasonOf(error)}. Check the network and try again.${hintOf(way)}`,
  );
}

/** A login that another process made has no proxy, whatever the shell of whoever wonders about it says. */
function hintOf({ url, proxy }: Way): string {
  if (proxy || url.protocol !== "https:") return "";
  return " Where only a proxy leads out, set HTTPS_PROXY and log in again, or set `https_proxy` in config.toml.";
}

export function proxyFailure(way: Way, proxy: HttpProxy, error: SystemError): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const what =
    distrust(way, error) ?? `${reasonOf(error)}. Check that it runs and that ${proxy.source} is right.`;
  return unsent(way, `the proxy ${nameOf(proxy)} cannot be reached: ${what}`);
}

/** The proxy answered, and passed nothing on. */
export function proxyRefusal(way: Way, proxy: HttpProxy, status: number): HttpFailure {
  return unsent(way, `the proxy ${nameOf(proxy)} ${refusalOf(way, proxy, status)}`);
}

function refusalOf({ url }: Way, { authorization, source }: HttpProxy, status: number): string {
  if (status === PROXY_AUTHENTICATION_REQUIRED) {
    const what = authorization ? "refuses the user name or the password" : "wants a user name and a password";
    return `${what} (407). Write them into ${source} as http://user:password@host:port, percent-encoded.`;
  }
  const verb = status >= 500 ? "cannot connect" : "refuses to connect";
  return `${verb} to ${url.host} (${status}). Ask its administrator, or exempt the host with NO_PROXY.`;
}

/** `undefined` when the certificate was not the reason. */
function distrust(way: Way, error: SystemError): string | undefined {
  const kind = DISTRUST[error.code ?? ""];
  if (!kind) return undefined;
  const { caFile } = way.trust;
  const trusted = caFile
    ? `the system's roots and ${caFile.value} (${caFile.source})`
    : "the system's roots alone";
  return `its certificate is not accepted (${reasonOf(error)}) with ${trusted}. ${cureOf(way, kind)}`;
}

function cureOf(way: Way, kind: "unknown" | "expired" | "foreign"): string {
  if (kind === "foreign") return "Somebody else answers in its name: look at the proxy and at DNS.";
  if (kind === "expired") return `${expiredIn(way)}Renew what has expired, or set this machine's clock.`;
  if (way.trust.caFile) return "Add the certificate of the authority that signed it to that file.";
  return (
    "If your network inspects TLS, name the file with its CA certificate in CODEX_CA_CERTIFICATE and log in again, or in " +
    "`ca_certificate_file` of config.toml."
  );
}

/** Bundles grow stale unnoticed; whoever reads this may not know what is in theirs. */
function expiredIn({ trust, nowMs }: Way): string {
  const expired = trust.bundle?.certificates.find(({ validTo }) => Date.parse(validTo) < nowMs);
  if (!expired) return "";
  const subject = expired.subject.replaceAll("\n", ", ");
  return `In that file the certificate of "${subject}" was valid until ${expired.validTo}. `;
}

function nameOf({ origin, source }: HttpProxy): string {
  return `${origin} (${source})`;
}

function reasonOf(error: SystemError): string {
  return (error.message || error.code || error.name).replace(/\.$/, "");
}

function unsent({ url }: Way, what: string): HttpFailure {
  return new HttpFailure(`The request to ${url.host} could not be sent: ${what}`, false);
}
