import { readFileSync } from "node:fs";

/** A unit of systemd/ or launchd/ in the repository, which the build copies beside the programs. */
export function template(name: `systemd/${string}` | `launchd/${string}`): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
}
