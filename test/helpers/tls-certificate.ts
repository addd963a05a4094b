import { readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { runTool } from "./system-tool.js";

export interface TlsCertificate {
  /** Path of the authority's certificate, for who is to trust it. */
  readonly caFile: string;
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

/** A certificate for `host`, and the authority that signed it; made by openssl, in `folder`. */
export function createTlsCertificate(host: string, folder: string): TlsCertificate {
  const path = (name: string): string => join(folder, name);
  const ca = ["-x509", "-subj", "/CN=Test authority", "-keyout", path("ca.key"), "-out", path("ca.pem")];
  openssl(["req", ...NEW_KEY, ...ca]);
  const request = ["-subj", `/CN=${host}`, "-keyout", path("host.key"), "-out", path("host.csr")];
  openssl(["req", ...NEW_KEY, ...request]);
  writeFileSync(path("host.ext"), `subjectAltName=${isIP(host) ? "IP" : "DNS"}:${host}\n`);
  const authority = ["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "2"];
  const signed = ["-in", path("host.csr"), "-extfile", path("host.ext"), "-out", path("host.pem")];
  openssl(["x509", "-req", ...authority, ...signed]);
  const read = (name: string): string => readFileSync(path(name), "utf8");
  return { caFile: path("ca.pem"), ca: read("ca.pem"), key: read("host.key"), cert: read("host.pem") };
}

/** What the configuration of `openssl ca`, which alone can date back, has to say. */
const SELF_SIGNED = `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = authority
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
`;

/**
 * The authority that {@link createTlsCertificate} left in `folder`, with the same name and key, as it was valid in 2020
 * only: whoever trusts nothing newer has a stale bundle. Answers the path of its certificate.
 */
export function createExpiredAuthority(folder: string): string {
  const path = (name: string): string => join(folder, name);
  writeFileSync(path("ca.cnf"), SELF_SIGNED);
  writeFileSync(path("index.txt"), "");
  openssl(["req", "-new", "-key", path("ca.key"), "-subj", "/CN=Test authority", "-out", path("ca.csr")]);
  const dates = ["-startdate", "200101000000Z", "-enddate", "200102000000Z"];
  const files = ["-config", "ca.cnf", "-keyfile", "ca.key", "-in", "ca.csr", "-out", "expired.pem"];
  openssl(["ca", "-batch", "-notext", "-selfsign", ...dates, ...files], folder);
  return path("expired.pem");
}

function openssl(args: readonly string[], cwd?: string): void {
  const { code, stderr } = runTool(["openssl", ...args], undefined, cwd);
  if (code !== 0) throw new Error(`openssl ${args[0]} failed:\n${stderr}`);
}
