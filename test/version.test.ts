import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { VERSION } from "#daemon/version.js";

t.test("the version is that of the package", async (t) => {
  const manifest = readFileSync(join(import.meta.dirname, "../../daemon/package.json"), "utf8");
  t.equal(VERSION, JSON.parse(manifest).version);
});
