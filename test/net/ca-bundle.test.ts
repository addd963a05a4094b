import { X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import t, { type Test } from "tap";
import { readCaBundle } from "#daemon/net/ca-bundle.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const [A = "", B = "", C = ""] = rootCertificates;

/** Writes `content` as a CA file that CODEX_CA_CERTIFICATE names. */
function caFile(t: Test, content: string | Buffer): { value: string; source: string } {
  const value = join(temporaryFolder(t), "ca.pem");
  writeFileSync(value, content);
  return { value, source: "CODEX_CA_CERTIFICATE" };
}

function subjects(pems: readonly string[]): string[] {
  return pems.map((pem) => new X509Certificate(pem).subject);
}

/** As `openssl x509 -trustout` writes it: the certificate, and an X509_CERT_AUX behind it, here an empty SEQUENCE. */
function trusted(pem: string): string {
  const der = Buffer.concat([new X509Certificate(pem).raw, Buffer.from([0x30, 0])]);
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN TRUSTED CERTIFICATE-----", ...lines, "-----END TRUSTED CERTIFICATE-----", ""].join(
    "\n",
  );
}

const READABLE: Readonly<Record<string, string>> = {
  "several certificates": `${A}\n${B}\n${C}\n`,
  CRLF: `${A}\n${B}\n${C}\n`.replaceAll("\n", "\r\n"),
  "text before, between and after": `# Ours\n\nsubject=A\n${A}\nand B:\n${B}\n---\n${C}\nthe end`,
  "no line between, and none at the end": `${A.trim()}\n${B.trim()}\n${C.trim()}`,
  "trust notes of OpenSSL": `${trusted(A)}${B}\n${trusted(C)}`,
  "other blocks between": `-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n${A}\n${B}\n${C}`,
  "a byte order mark": `\ufeff${A}\n${B}\n${C}`,
};

for (const [name, content] of Object.entries(READABLE)) {
  t.test(`a bundle with ${name} is read`, async (t) => {
    const { certificates } = readCaBundle(caFile(t, content));
    t.strictSame(subjects(certificates.map(String)), subjects([A, B, C]));
  });
}

const BEGIN = "-----BEGIN CERTIFICATE-----";

const UNUSABLE: Readonly<Record<string, readonly [content: string | Buffer, words: RegExp]>> = {
  "is empty": ["", /holds no PEM certificate/],
  "holds words": ["nothing here\n", /holds no PEM certificate/],
  "holds a key": [
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    /holds no PEM certificate/,
  ],
  "is DER": [new X509Certificate(A).raw, /holds no PEM certificate/],
  "holds garbage as its second": [
    `${A}\n${BEGIN}\n!!!!\n-----END CERTIFICATE-----\n${B}`,
    /is damaged: its certificate 2 cannot/,
  ],
  "is cut off": [`${A}\n${B.slice(0, 300)}`, /is damaged: its certificate 2 cannot/],
};

for (const [name, [content, words]] of Object.entries(UNUSABLE)) {
  t.test(`a file that ${name} is refused by its path, its variable and its flaw`, async (t) => {
    const file = caFile(t, content);
    t.throws(() => readCaBundle(file), { name: "HttpFailure", wasSent: false, message: words });
    t.throws(() => readCaBundle(file), {
      message: `The CA file ${file.value}, which CODEX_CA_CERTIFICATE names, `,
    });
  });
}

t.test("a file that is missing, or a folder, is refused with the system's reason", async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "ca.pem"));
  const read = (name: string): unknown =>
    readCaBundle({ value: join(folder, name), source: "SSL_CERT_FILE" });
  t.throws(() => read("gone.pem"), {
    message: /gone\.pem, which SSL_CERT_FILE names, cannot be read \(ENOENT\), so nothing was sent\. Mend it/,
  });
  t.throws(() => read("ca.pem"), { message: /cannot be read \(EISDIR\)/ });
});

t.test("what is known is answered again until the content changes", async (t) => {
  const file = caFile(t, A);
  const known = readCaBundle(file);
  writeFileSync(file.value, A);
  t.equal(readCaBundle(file, known), known);
  writeFileSync(file.value, B);
  t.strictSame(subjects(readCaBundle(file, known).certificates.map(String)), subjects([B]));
});
