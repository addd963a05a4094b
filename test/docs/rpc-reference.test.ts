import { readFileSync, writeFileSync } from "node:fs";
import { openRpcDocument } from "@codex-authd/shared/schema";
import t from "tap";
import { rpcReference } from "../helpers/rpc-reference.js";

const PAGE = new URL("../../../docs/api/rpc.md", import.meta.url);

t.test("docs/api/rpc.md is what the table says", async (t) => {
  const page = rpcReference(openRpcDocument("0.0.0"));
  if (process.env.WRITE_DOCS) writeFileSync(PAGE, page);
  t.equal(readFileSync(PAGE, "utf8"), page, "WRITE_DOCS=1 writes it anew");
});
