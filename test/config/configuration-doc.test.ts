/** docs/configuration.md and the schema say the same, both ways. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SETTING_DEFAULTS, settingsSchema } from "#daemon/config/schema.js";

const doc = readFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");

/** Rows of the one table whose first cell is a key in code marks. */
const rows = [...doc.matchAll(/^\| `(\w+)` \|([^\n]+)\|$/gm)].map(([, key, rest]) => {
  const [type, value, meaning] = (rest ?? "").split("|").map((cell) => cell.trim());
  return { key, type, value, meaning };
});

t.test("the table names every key, in order, and no other", async (t) => {
  t.same(
    rows.map(({ key }) => key),
    Object.keys(settingsSchema.shape),
  );
});

t.test("the keys are sorted", async (t) => {
  t.same(Object.keys(settingsSchema.shape), Object.keys(settingsSchema.shape).sort());
});

t.test("the table gives every default that is the same for everybody", async (t) => {
  const documented = rows.filter(({ value }) => /^`(?:[\d"[]|true|false)/.test(value ?? ""));
  t.same(
    Object.fromEntries(
      documented.map(({ key, value }) => [key, JSON.parse((value ?? "").replaceAll("`", ""))]),
    ),
    SETTING_DEFAULTS,
  );
});

t.test("the table says of each key what the schema says", async (t) => {
  for (const [key, schema] of Object.entries(settingsSchema.shape)) {
    t.equal(rows.find((row) => row.key === key)?.meaning, schema.description);
  }
});

t.test("the defaults are what the schema accepts", async (t) => {
  t.same(settingsSchema.parse({ ...SETTING_DEFAULTS, trusted_issuers: [] }), SETTING_DEFAULTS);
});
