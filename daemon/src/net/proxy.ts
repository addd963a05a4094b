/** Which proxy a request goes through, as reqwest of codex-cli 0.169 decides it. */
import { BlockList, isIP, isIPv6 } from "node:net";
import { Redacted } from "@codex-authd/shared";
import { HttpFailure } from "./http-failure.js";
import type { NetworkSettings, Sourced } from "./network-settings.js";

export interface HttpProxy {
  /** Scheme, host and port, and never a password. */
  readonly origin: string;
  /** Value of `Proxy-Authorization`, or `null`. */
  readonly authorization: Redacted | null;
  /** Who named it, in words. */
  readonly source: string;
}

/**
 * The proxy for `url`, or `null` for none. `http_proxy` is for loopback too, as upstream has it.
 * @throws HttpFailure when the setting is no proxy that can be used
 */
export function proxyFor(url: URL, settings: NetworkSettings): HttpProxy | null {
  const setting = url.protocol === "https:" ? settings.httpsProxy : settings.httpProxy;
  if (setting === null || isExempt(url.hostname, settings.noProxy ?? "")) return null;
  return parseProxy(setting);
}

/**
 * True for a host that `noProxy` lists: `*`; a domain, with its subdomains, whether it begins with a dot or not; an address
 * or a network in CIDR form, for hosts that are addresses. A port is no part of any form: upstream matches nothing with it.
 */
export function isExempt(hostname: string, noProxy: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const holds = isIP(host) === 0 ? holdsDomain : holdsAddress;
  return noProxy
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === "*" || (entry !== "" && holds(entry, host)));
}

function holdsDomain(entry: string, host: string): boolean {
  const domain = entry.replace(/^\./, "");
  return host === domain || host.endsWith(`.${domain}`);
}

function holdsAddress(entry: string, host: string): boolean {
  const [address = "", prefix] = entry.split("/");
  if (isIP(address) === 0) return false;
  const isSix = isIPv6(address);
  const bits = prefix === undefined ? (isSix ? 128 : 32) : Number(prefix || Number.NaN);
  if (!Number.isInteger(bits) || bits < 0 || bits > (isSix ? 128 : 32)) return false;
  const network = new BlockList();
  network.addSubnet(address, bits, isSix ? "ipv6" : "ipv4");
  return network.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}

/** Without a scheme it is an HTTP proxy (upstream too). Upstream speaks HTTP to a SOCKS proxy, and ignores what it does not know. */
function parseProxy({ value, source }: Sourced<Redacted>): HttpProxy {
  const text = value.reveal().includes("://") ? value.reveal() : `http://${value.reveal()}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname) throw unusable(source, "is not the URL of a proxy");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw unusable(source, `names a proxy of the kind "${url.protocol.slice(0, -1)}"`);
  }
  return { origin: url.origin, authorization: authorizationOf(url), source };
}

/** RFC 7617. */
function authorizationOf({ username, password }: URL): Redacted | null {
  if (username === "" && password === "") return null;
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return new Redacted(`Basic ${Buffer.from(credentials, "utf8").toString("base64")}`);
}

/** A `%` that encodes nothing is meant as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unusable(source: string, what: string): HttpFailure {
  return new HttpFailure(
    `${source} ${what}, so nothing was sent. Proxies of the kind http and https can be used, as in ` +
      `http://proxy.example:8080. Change ${source}.`,
    false,
  );
}
