import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readRegularFile } from "#daemon/regular-file.js";
import { temporaryFolder } from "./helpers/temp-folder.js";

const folder = temporaryFolder(t);
const inFolder = (name: string): string => join(folder, name);

t.test("a file is read, also behind a link, and one that is not there is ENOENT", async (t) => {
  writeFileSync(inFolder("file"), "text");
  symlinkSync(inFolder("file"), inFolder("link"));
  t.equal(readRegularFile(inFolder("link")), "text");
  t.throws(() => readRegularFile(inFolder("none")), { code: "ENOENT" });
});

t.test("what would hold up the daemon, or fill its memory, is refused unread", async (t) => {
  execFileSync("mkfifo", [inFolder("pipe")]);
  mkdirSync(inFolder("folder"));
  writeFileSync(inFolder("huge"), "");
  truncateSync(inFolder("huge"), 16 * 1024 * 1024 + 1);
  t.throws(() => readRegularFile(inFolder("pipe")), { code: "not a regular file" });
  t.throws(() => readRegularFile("/dev/zero"), { code: "not a regular file" });
  t.throws(() => readRegularFile(inFolder("folder")), { code: "EISDIR" });
  t.throws(() => readRegularFile(inFolder("huge")), { code: "over 16 MiB" });
});
