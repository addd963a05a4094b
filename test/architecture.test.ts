/** Keeps the walls that `helpers/architecture.ts` lists, and proves first that whoever breaks one is reported. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkHouse, MAX_LINES } from "./helpers/architecture.js";
import { findCycles } from "./helpers/import-graph.js";
import { importsOf, type SourceFile } from "./helpers/source-text.js";

/** What must be reported: file, text, and words of the report. */
const FORBIDDEN: readonly (readonly [path: string, text: string, report: RegExp])[] = [
  [
    "client/src/rpc.ts",
    'import { x } from "../../daemon/src/log.js";',
    /must not import daemon\/src\/log\.ts/,
  ],
  ["client/src/rpc.ts", 'import { x } from "@codex-authd/daemon";', /no package of this project/],
  ["client/src/rpc.ts", 'import type { x } from "#daemon/log.js";', /no package of this project/],
  [
    "client/src/rpc.ts",
    'import { x } from "./cli/output.js";',
    /client\/src must not import client\/src\/cli/,
  ],
  [
    "client/src/rpc.ts",
    'const x = await import("./app-server/connect.js");',
    /must not import client\/src\/app-server/,
  ],
  ["client/src/rpc.ts", 'import { z } from "zod";', /"zod" is for/],
  ["client/src/rpc.ts", 'import { METHODS } from "@codex-authd/shared/schema";', /is for daemon\/src only/],
  [
    "client/src/app-server/child.ts",
    'import { x } from "../cli/output.js";',
    /must not import client\/src\/cli/,
  ],
  ["client/src/cli/main.ts", "await import(name);", /"\?" is no package/],
  ["daemon/src/config/load.ts", 'import { x } from "../../../client/src/rpc.js";', /must not import client/],
  [
    "daemon/src/oauth/pkce.ts",
    'import { x } from "../session/session.js";',
    /oauth must not import daemon\/src\/session/,
  ],
  [
    "daemon/src/oauth/pkce.ts",
    'import { send } from "../net/http.js";',
    /oauth must not import daemon\/src\/net/,
  ],
  [
    "daemon/src/session/state.ts",
    'export { x } from "../storage/grant-storage.js";',
    /must not import daemon\/src\/storage/,
  ],
  [
    "daemon/src/session/state.ts",
    'import type { x } from "../storage/watcher.js";',
    /must not import daemon\/src\/storage/,
  ],
  [
    "daemon/src/session/state.ts",
    'import { x } from "../rpc/guard.js";',
    /session must not import daemon\/src\/rpc/,
  ],
  [
    "daemon/src/session/state.ts",
    'import { createLog } from "../log.js";',
    /session must not import daemon\/src\/log/,
  ],
  [
    "daemon/src/rpc/guard.ts",
    'import { x } from "../oauth/pkce.js";',
    /rpc must not import daemon\/src\/oauth/,
  ],
  [
    "daemon/src/rpc/guard.ts",
    'import type { x } from "../config/schema.js";',
    /rpc must not import daemon\/src\/config/,
  ],
  ["daemon/src/rpc/guard.ts", 'import { x } from "../daemon.js";', /rpc must not import daemon\/src\/daemon/],
  ["daemon/src/rpc/guard.ts", 'import { type ZodError } from "zod";', /"zod" is for/],
  ["daemon/src/extra.ts", 'import { x } from "./log.js";', /belongs to no part/],
  [
    "daemon/src/session/state.ts",
    'import Fastify, {\n  type FastifyInstance,\n} from "fastify";',
    /"fastify" is for/,
  ],
  ["daemon/src/oauth/pkce.ts", 'import { fetch } from "undici";', /"undici" is for/],
  ["daemon/src/storage/file-storage.ts", 'import "chokidar";', /"chokidar" is for/],
  [
    "daemon/src/storage/codex-lock.ts",
    'const f = createRequire(import.meta.url)("koffi");',
    /"koffi" is for/,
  ],
  ["daemon/src/main.ts", 'import { pino } from "pino";', /"pino" is for/],
  ["daemon/src/rpc/guard.ts", 'import { parse } from "smol-toml";', /"smol-toml" is for/],
  ["client/src/login.ts", 'await import("open");', /"open" is for/],
  ["client/src/login.ts", 'import { Command } from "commander";', /"commander" is for/],
  ["client/src/login.ts", 'import spinner from "yocto-spinner";', /"yocto-spinner" is for/],
  ["shared/src/paths.ts", 'import { z } from "zod";', /"zod" is for/],
  ["shared/src/paths.ts", 'import { readFileSync } from "node:fs";', /I\/O in the contract/],
  ["shared/src/paths.ts", "const home = process.env.HOME;", /process in the contract/],
  [
    "shared/src/errors/wire.ts",
    'import { METHODS } from "../protocol/methods.js";',
    /errors must not import/,
  ],
  ["daemon/src/codex/codex-home.ts", 'import { mkdirSync } from "node:fs";', /writing to disk: mkdirSync/],
  [
    "daemon/src/codex/codex-home.ts",
    'import { open as look } from "node:fs/promises";',
    /writing to disk: open/,
  ],
  ["daemon/src/codex/codex-home.ts", 'import * as fs from "node:fs";', /writing to disk: \*/],
  ["daemon/src/codex/codex-home.ts", 'import fs from "node:fs";', /writing to disk: default/],
  [
    "client/src/rpc.ts",
    'import { setTimeout as pause } from "node:timers/promises";',
    /time without a Clock/,
  ],
  ["client/src/rpc.ts", "const now = Date.now();", /time without a Clock/],
  ["client/src/rpc.ts", "const clock = { now: Date.now };", /time without a Clock/],
  ["client/src/rpc.ts", "const now = new Date();", /time without a Clock/],
  ["client/src/rpc.ts", "const now = +new Date;", /time without a Clock/],
  ["client/src/rpc.ts", "setTimeout(f, 1);", /time without a Clock/],
  ["client/src/rpc.ts", "globalThis.setInterval(f, 1);", /time without a Clock/],
  ["client/src/rpc.ts", "const signal = AbortSignal.timeout(1);", /time without a Clock/],
  ["client/src/rpc.ts", `const s = \`\${\`a\` + Date.now()}\`;`, /time without a Clock/],
  ["client/src/rpc.ts", "const quote = /[\"'`]/; Date.now();", /time without a Clock/],
  ["client/src/rpc.ts", "export default x;", /a default export/],
  ["client/src/rpc.ts", "export { x as default };", /a default export/],
  ["client/src/rpc.ts", 'export * from "./login.js";', /export \*/],
  ["client/src/rpc.ts", "const enum State { on }", /an enum/],
  ["client/src/rpc.ts", "const x = y as any;", /any$/],
  ["client/src/rpc.ts", "const x: any[] = [];", /any$/],
  ["client/src/rpc.ts", 'console.log("x");', /console$/],
  ["daemon/src/session/state.ts", "await fetch(url);", /fetch/],
  ["client/src/rpc.ts", "\n".repeat(MAX_LINES).concat("x;"), /more than 400 lines/],
  ["client/src/rpc.ts", 'import type { x } from "./rpc.js";', /rpc\.ts → client\/src\/rpc\.ts/],
];

/** What must not be reported. */
const PERMITTED: readonly (readonly [path: string, text: string])[] = [
  ["client/src/rpc.ts", '// setTimeout(f, 1)\n/* import { z } from "zod"; */'],
  ["client/src/rpc.ts", 'const s = "Date.now() and any enum State { on }";'],
  ["client/src/rpc.ts", `const s = \`setTimeout(f) \${x} console.log and export * from\`;`],
  ["client/src/rpc.ts", "const at = new Date(atMs); request.setTimeout(1); AbortSignal.any([a, b]);"],
  ["client/src/rpc.ts", "const kind = z.enum(KINDS);"],
  ["client/src/rpc.ts", "\n".repeat(MAX_LINES - 1).concat("x;\n")],
  ["client/src/cli/main.ts", 'import { run } from "../app-server/connect.js"; console.error(1);'],
  ["daemon/src/oauth/pkce.ts", 'import type { Http } from "../net/http.js";'],
  ["daemon/src/session/state.ts", 'import type { GrantStorage } from "../storage/grant-storage.js";'],
  ["daemon/src/codex/codex-home.ts", 'import { readFileSync, type Stats } from "node:fs";'],
  ["daemon/src/native/flock.ts", 'createRequire(import.meta.url)("koffi") as typeof import("koffi");'],
  ["daemon/src/storage/durable-write.ts", 'import { writeFileSync } from "node:fs";'],
  ["shared/src/index.ts", 'import type { z } from "zod";'],
  ["shared/src/time.ts", "const now = () => Date.now();"],
];

t.test("the checker", async (t) => {
  for (const [path, text, report] of FORBIDDEN) {
    t.test(`reports in ${path}: ${text.trim()}`, async (t) => {
      const violations = checkHouse([{ path, text }]);
      t.ok(
        violations.some((violation) => violation.startsWith(path) && report.test(violation)),
        "is reported",
        { violations },
      );
    });
  }
  for (const [path, text] of PERMITTED) {
    t.test(`lets pass in ${path}: ${text.trim()}`, async (t) => {
      t.same(checkHouse([{ path, text }]), []);
    });
  }
  t.test("names the line of what it reports", async (t) => {
    const text = '/*\n*/ import { x } from "node:path";\n\nimport {\n  y,\n} from "zod";\n';
    t.match(checkHouse([{ path: "client/src/rpc.ts", text }]), [/^client\/src\/rpc\.ts:4: /]);
  });
  t.test("follows a cycle through three files", async (t) => {
    const files = ["a", "b", "c"].map((name, index) => ({
      path: `client/src/${name}.ts`,
      text: `import { x } from "./${["b", "c", "a"][index]}.js";`,
    }));
    t.same(findCycles(files), ["client/src/a.ts → client/src/b.ts → client/src/c.ts → client/src/a.ts"]);
  });
  t.test("reads every form of import", async (t) => {
    const text = [
      'import a, { b as c, type D } from "one";',
      'import * as e from "two";',
      'import type { F } from "three";',
      'export { g } from "four";',
      'import "five";',
      'const h = await import("six");',
      'const i = require("seven");',
    ].join("\n");
    t.same(
      importsOf(text).map(({ specifier, names, isTypeOnly }) => [specifier, names.join(), isTypeOnly]),
      [
        ["one", "default,b", false],
        ["two", "*", false],
        ["three", "F", true],
        ["four", "g", false],
        ["five", "", false],
        ["six", "*", false],
        ["seven", "*", false],
      ],
    );
  });
});

t.test("the house", async (t) => {
  const root = join(import.meta.dirname, "..", "..");
  for (const folder of ["shared/src", "daemon/src", "client/src"]) {
    t.ok(sourcesIn(root, folder).length > 10, `${folder} is read`);
  }
  const files = ["shared/src", "daemon/src", "client/src"].flatMap((folder) => sourcesIn(root, folder));
  const violations = checkHouse(files);
  t.test("keeps its walls", async (t) => {
    t.same(violations, []);
  });
});

function sourcesIn(root: string, folder: string): SourceFile[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), "utf8") }));
}
