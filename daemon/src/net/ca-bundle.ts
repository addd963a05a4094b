/** Certificates of authorities in a PEM file, as somebody collected them: with text between, CRLF, OpenSSL's trust notes. */
import { createHash, X509Certificate } from "node:crypto";
import { readRegularFile } from "../regular-file.js";
import { HttpFailure } from "./http-failure.js";
import type { Sourced } from "./network-settings.js";

export interface CaBundle {
  /** Names this content. */
  readonly signature: string;
  readonly certificates: readonly X509Certificate[];
}

/** OpenSSL writes the second with `-trustout`; what it notes behind the certificate is left out, as by upstream. */
const BEGIN = /(?=-----BEGIN (?:TRUSTED )?CERTIFICATE-----)/;

/**
 * Reads the file anew, since bundles are renewed; `known` is answered again while its content stays.
 * @throws HttpFailure naming who named the file, the file, and the cure: it cannot be read, or is no bundle
 */
export function readCaBundle(file: Sourced<string>, known?: CaBundle): CaBundle {
  const text = read(file);
  const signature = createHash("sha256").update(text).digest("hex");
  if (known?.signature === signature) return known;
  const [, ...blocks] = `\n${text}`.split(BEGIN);
  if (blocks.length === 0) throw unusable(file, "holds no PEM certificate");
  return { signature, certificates: blocks.map((block, index) => parse(block, index + 1, file)) };
}

function read(file: Sourced<string>): string {
  try {
    return readRegularFile(file.value);
  } catch (error) {
    throw unusable(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parse(block: string, number: number, file: Sourced<string>): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw unusable(file, `is damaged: its certificate ${number} cannot be understood`);
  }
}

function unusable({ value, source }: Sourced<string>, what: string): HttpFailure {
  return new HttpFailure(
    `The CA file ${value}, which ${source} names, ${what}, so nothing was sent. Mend it (it is read anew each time), or change ${source}.`,
    false,
  );
}
