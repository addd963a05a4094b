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

function openssl(args: readonly string[]): void {
  const { code, stderr } = runTool(["openssl", ...args]);
  if (code !== 0) throw new Error(`openssl ${args[0]} failed:\n${stderr}`);
}
