/** The walls of the house: who may import whom, who may load what, and what nobody may write. */
import {
  type BuiltinRule,
  checkArrows,
  checkBuiltins,
  checkPackages,
  checkSizes,
  checkWords,
  findCycles,
  type PackageRule,
  type Part,
  type Violation,
  type WordRule,
} from "./import-graph.js";
import type { SourceFile } from "./source-text.js";

/** Longest file. */
export const MAX_LINES = 400;

/** Everybody imports `@codex-authd/shared`; the innermost row counts, and what a row does not name is forbidden. */
const PARTS: readonly Part[] = [
  { path: "shared/src", mayImport: ["shared/src/errors", "shared/src/protocol"] },
  { path: "shared/src/errors", mayImport: ["type shared/src/jsonrpc.ts"] },
  {
    path: "shared/src/protocol",
    mayImport: [
      "shared/src/auth-precedence.ts",
      "shared/src/child-environment.ts",
      "shared/src/plan-type.ts",
      "type shared/src/errors",
    ],
    why: "the schemas check against these lists; a row of the table names its errors",
  },

  { path: "daemon/src/native", mayImport: [] },
  { path: "daemon/src/metrics", mayImport: [] },
  { path: "daemon/src/notice", mayImport: ["type daemon/src/log.ts"] },
  { path: "daemon/src/audit", mayImport: ["type daemon/src/rpc/audit.ts"], why: "the entries that it keeps" },
  { path: "daemon/src/codex", mayImport: ["daemon/src/regular-file.ts", "type daemon/src/log.ts"] },
  { path: "daemon/src/net", mayImport: ["daemon/src/regular-file.ts", "type daemon/src/log.ts"] },
  {
    path: "daemon/src/oauth",
    mayImport: ["type daemon/src/net", "type daemon/src/log.ts"],
    why: "an exchange is given its HTTP; it never makes one",
  },
  {
    path: "daemon/src/storage",
    mayImport: [
      "daemon/src/native",
      "daemon/src/oauth/jwt-claims.ts",
      "daemon/src/regular-file.ts",
      "type daemon/src/net/network-settings.ts",
      "type daemon/src/log.ts",
    ],
    why: "flock; whose a credential is that is only shown; what a login was bound to has to survive a restart",
  },
  {
    path: "daemon/src/session",
    mayImport: [
      "daemon/src/codex",
      "daemon/src/net",
      "daemon/src/oauth",
      "type daemon/src/storage/grant-storage.ts",
      "type daemon/src/storage/network-binding.ts",
      "type daemon/src/storage/session-record.ts",
      "type daemon/src/log.ts",
      "type daemon/src/metrics/metrics.ts",
    ],
    why: "of storage it knows the interface alone; which storage it is given is the composition root's choice",
  },
  {
    path: "daemon/src/rpc",
    mayImport: ["daemon/src/session", "type daemon/src/log.ts", "type daemon/src/metrics/metrics.ts"],
  },
  { path: "daemon/src/lifecycle", mayImport: ["daemon/src/native", "type daemon/src/log.ts"], why: "flock" },
  { path: "daemon/src/config", mayImport: [] },
  { path: "daemon/src/log.ts", mayImport: [] },
  { path: "daemon/src/regular-file.ts", mayImport: [] },
  { path: "daemon/src/version.ts", mayImport: [] },
  {
    path: "daemon/src/daemon.ts",
    mayImport: [
      "daemon/src/audit",
      "daemon/src/codex",
      "daemon/src/config",
      "daemon/src/lifecycle",
      "daemon/src/metrics",
      "daemon/src/native",
      "daemon/src/net",
      "daemon/src/notice",
      "daemon/src/oauth",
      "daemon/src/rpc",
      "daemon/src/session",
      "daemon/src/storage",
      "daemon/src/version.ts",
      "type daemon/src/log.ts",
    ],
    why: "the composition root: the only place that knows every layer",
  },
  {
    path: "daemon/src/main.ts",
    mayImport: [
      "daemon/src/config",
      "daemon/src/daemon.ts",
      "daemon/src/lifecycle",
      "daemon/src/log.ts",
      "daemon/src/version.ts",
    ],
  },

  {
    path: "client/src",
    mayImport: [],
    why: "the library: whoever imports it pays for neither of the two below",
  },
  { path: "client/src/app-server", mayImport: ["client/src"] },
  { path: "client/src/cli", mayImport: ["client/src", "client/src/app-server"] },
];

const PACKAGES: readonly PackageRule[] = [
  { name: "@codex-authd/shared", onlyIn: ["daemon/src", "client/src"] },
  {
    name: "@codex-authd/shared/schema",
    onlyIn: ["daemon/src"],
    why: "it loads zod, which a client never does",
  },
  { name: "chokidar", onlyIn: ["daemon/src/storage/watcher.ts"] },
  { name: "commander", onlyIn: ["client/src/cli"] },
  { name: "dbus-native", onlyIn: ["daemon/src/storage/keyring/dbus-connection.ts"] },
  { name: "fastify", onlyIn: ["daemon/src/rpc"] },
  { name: "koffi", onlyIn: ["daemon/src/native"] },
  { name: "open", onlyIn: ["client/src/browser.ts"] },
  { name: "pino", onlyIn: ["daemon/src/log.ts"] },
  { name: "smol-toml", onlyIn: ["daemon/src/codex", "daemon/src/config"] },
  { name: "string-width", onlyIn: ["client/src/cli"] },
  { name: "undici", onlyIn: ["daemon/src/net"] },
  { name: "ws", onlyIn: ["client/src/app-server/remote.ts"] },
  { name: "yocto-spinner", onlyIn: ["client/src/cli"] },
  {
    name: "zod",
    onlyIn: [
      "shared/src/open-rpc.ts",
      "shared/src/protocol",
      "shared/src/schema.ts",
      "daemon/src/codex",
      "daemon/src/config",
      "daemon/src/storage/auth-json.ts",
      "daemon/src/storage/keyring",
      "daemon/src/storage/network-binding.ts",
      "daemon/src/storage/other-credential.ts",
      "daemon/src/storage/session-record.ts",
      "type shared/src/index.ts",
      "type daemon/src/rpc",
    ],
    why: "the two that take its types speak of the table's schemas, and load nothing",
  },
];

const WORDS: readonly WordRule[] = [
  { name: "a default export", pattern: /\bexport\s+default\b|\bas\s+default\b/g },
  { name: "export *", pattern: /\bexport\s*(?:type\s*)?\*/g },
  { name: "an enum", pattern: /(?<![.\w$])enum\s+[\w$]+\s*\{/g },
  { name: "any", pattern: /(?<![.\w$])any(?![\w$(]|\??:)/g },
  {
    name: "time without a Clock",
    pattern:
      /\bDate\.now\b|\bnew\s+Date(?:\(\s*\)|(?![\w(]))|(?<![.\w$]|\bnew\s+)Date\(|\bAbortSignal\.timeout\b|(?:(?<![.\w$])|\bglobalThis\.)set(?:Timeout|Interval)\b(?!\s*[:?])/g,
    exceptIn: ["shared/src/time.ts"],
  },
  {
    name: "console",
    pattern: /(?<![.\w$])console\s*[.?[]/g,
    exceptIn: ["client/src/cli/output.ts", "client/src/cli/main.ts", "daemon/src/main.ts"],
  },
  { name: "fetch, past daemon/net", pattern: /(?<![.\w$#])fetch\s*\((?![^()]*\)\s*[:{])/g },
  { name: "process in the contract", pattern: /(?<![.\w$])process\b/g, onlyIn: ["shared/src"] },
];

/** What of `node:fs` changes a disk. `open` is among them: what only reads has `readFile`. */
const DISK_WRITES = [
  ...["appendFile", "chmod", "chown", "copyFile", "cp", "createWriteStream", "fchmod", "fchown", "ftruncate"],
  ...["futimes", "lchown", "link", "lutimes", "mkdir", "mkdtemp", "open", "rename", "rm", "rmdir", "symlink"],
  ...["truncate", "unlink", "utimes", "write", "writeFile", "writev"],
].flatMap((name) => [name, `${name}Sync`]);

const BUILTINS: readonly BuiltinRule[] = [
  {
    name: "writing to disk",
    modules: /^(?:node:)?fs(?:\/promises)?$/,
    names: DISK_WRITES,
    onlyIn: ["daemon/src"],
    // audit: it has a trail to keep, of entries whose fields are ours, with no secret among them.
    exceptIn: ["daemon/src/audit", "daemon/src/lifecycle", "daemon/src/native", "daemon/src/storage"],
  },
  { name: "time without a Clock", modules: /^(?:node:)?timers/ },
  {
    name: "I/O in the contract",
    modules: /^node:(?!crypto$|path$)/,
    onlyIn: ["shared/src"],
  },
];

/** Everything that is wrong with `files`, as the walls of ARCHITECTURE.md have it. */
export function checkHouse(files: readonly SourceFile[]): Violation[] {
  return [
    ...checkArrows(files, PARTS),
    ...checkPackages(files, PACKAGES),
    ...checkBuiltins(files, BUILTINS),
    ...checkWords(files, WORDS),
    ...checkSizes(files, MAX_LINES),
    ...findCycles(files),
  ];
}
