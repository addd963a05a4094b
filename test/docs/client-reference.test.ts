import { readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import * as appServer from "#client/app-server/index.js";
import * as client from "#client/index.js";
import { clientReference } from "../helpers/client-reference.js";

const PAGE = new URL("../../../docs/api/client.md", import.meta.url);
const page = clientReference();

t.test("docs/api/client.md is what the declarations say", async (t) => {
  if (process.env.WRITE_DOCS) writeFileSync(PAGE, page);
  t.equal(readFileSync(PAGE, "utf8"), page, "WRITE_DOCS=1 writes it anew");
});

t.test("it has every name that can be imported, and what it means", async (t) => {
  const names = [...Object.keys(client), ...Object.keys(appServer)];
  t.ok(names.length > 10);
  for (const name of names) t.match(page, `### ${name}\n`);
  t.match(page, /getAccessToken\(options\?: AccessTokenOptions\): Promise<AccessToken>;/);
  t.match(page, /A client of the daemon\. Safe for concurrent use/);
});
