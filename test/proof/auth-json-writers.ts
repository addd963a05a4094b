/** Two ways in which programs write auth.json, each with a new login of the issuer. */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { AuthorizationServer } from "../helpers/authorization-server.js";
import { writeLogin } from "../helpers/logins.js";

/** How long the truncating writer leaves half a file. */
export const TORN_MS = 1;

export type Writer = (home: string, issuer: AuthorizationServer) => Promise<void>;

/** As upstream and editors do: a new file takes the place of the old one. */
export const writeByRename: Writer = async (home, issuer) => writeLogin(home, issuer);

/** As `fs.writeFile` does: the file is empty first, then half of it is there. */
export const writeInPlace: Writer = async (home, issuer) => {
  const scratch = join(home, "scratch");
  mkdirSync(scratch, { recursive: true });
  writeLogin(scratch, issuer);
  const text = readFileSync(join(scratch, "auth.json"), "utf8");
  const file = openSync(join(home, "auth.json"), "w", 0o600);
  try {
    writeSync(file, text.slice(0, text.length / 2));
    await delay(TORN_MS);
    writeSync(file, text.slice(text.length / 2));
  } finally {
    closeSync(file);
  }
};
