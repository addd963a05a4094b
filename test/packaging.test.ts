/** What npm would publish, installed where nothing of this repository is. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { startAuthorizationServer } from "./helpers/authorization-server.js";
import { createPlace } from "./helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "./helpers/logins.js";
import { processesWith } from "./helpers/process-list.js";
import { temporaryFolder } from "./helpers/temp-folder.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const PACKAGES = ["shared", "daemon", "client"];

/** What every package has beside its programs. */
const PAPERS = ["LICENSE", "README.md", "package.json"];

interface Tarball {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

interface Finished {
  readonly stdout: string;
  readonly stderr: string;
}

/** Our own environment, without what `npm test` tells its children about this repository. */
const ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:NODE_OPTIONS|INIT_CWD|npm_config_local_prefix|npm_(?:package|lifecycle)_.*)$/.test(name),
  ),
);

function run(
  [program = "", ...args]: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = ENV,
): Promise<Finished> {
  return promisify(execFile)(program, args, { cwd, env, encoding: "utf8" });
}

function runModule(text: string, env: NodeJS.ProcessEnv = ENV): Promise<Finished> {
  return run([process.execPath, "--input-type=module", "--eval", text], app, env);
}

const folder = temporaryFolder(t);
const app = join(folder, "app");
mkdirSync(app);
const workspaces = PACKAGES.map((name) => `--workspace=${name}`);
const packed = await run(["npm", "pack", "--json", `--pack-destination=${folder}`, ...workspaces], ROOT);
const tarballs: Tarball[] = Object.values(JSON.parse(packed.stdout));
const installed = await run(
  [
    ...["npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"],
    ...tarballs.map(({ filename }) => join(folder, filename)),
  ],
  app,
);

t.test("the tarballs hold what runs and what is to be read, and nothing else", async (t) => {
  t.equal(tarballs.length, PACKAGES.length);
  for (const { name, files } of tarballs) {
    const paths = files.map(({ path }) => path);
    t.strictSame(paths.filter((path) => !/^(?:dist|bin|man)\//.test(path)).sort(), PAPERS, name);
    const foreign = paths.filter((path) => /tsbuildinfo|test|(?<!\.d)\.ts$/.test(path));
    t.strictSame(foreign, [], name);
  }
});

t.test("the client brings the units of the repository", async (t) => {
  for (const unit of [
    "systemd/codex-authd.service",
    "systemd/codex-authd.socket",
    "launchd/codex-authd.plist",
  ]) {
    const shipped = join(app, "node_modules/@codex-authd/client/dist", unit);
    t.equal(readFileSync(shipped, "utf8"), readFileSync(join(ROOT, unit), "utf8"), unit);
  }
});

t.test("an install warns about no engine, and about nothing that is old", async (t) => {
  t.notMatch(installed.stderr, /EBADENGINE|deprecated|ERESOLVE/);
});

t.test("the programs are linked, and know their version", async (t) => {
  for (const program of ["codex-auth", "codex-authd"]) {
    const { stdout } = await run(["npx", "--no", "--", program, "--version"], app);
    t.match(stdout, /\b0\.1\.0\n$/, program);
  }
});

t.test("locks work without any install script", async (t) => {
  const module = pathToFileURL(join(app, "node_modules/@codex-authd/daemon/dist/native/flock.js"));
  const { stdout } = await runModule(`
    import { isFlockAvailable } from ${JSON.stringify(module)};
    console.log(isFlockAvailable());`);
  t.equal(stdout, "true\n");
});

t.test("a command starts the daemon beside it, and the library is served by that", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer });
  writeLogin(place.codexHome, issuer);
  const cli = async (...args: string[]) =>
    JSON.parse((await run(["npx", "--no", "--", "codex-auth", ...args, "--json"], app, place.env)).stdout);

  t.match(await cli("status"), { state: "active", email: "me@example.com", warnings: [] });
  const { pid } = await cli("daemon", "status");
  const program = join(app, "node_modules/@codex-authd/daemon/dist/main.js");
  t.strictSame(processesWith(program), [pid]);

  const { stdout } = await runModule(
    `
    import { createAuthClient } from "@codex-authd/client";
    const client = createAuthClient({ autostart: false });
    console.log((await client.getAccessToken()).accessToken);
    client.close();`,
    place.env,
  );
  t.equal(stdout.trim(), readAuthJson(place.codexHome).tokens.access_token);
});

t.test("the library's types are whole", async (t) => {
  writeFileSync(
    join(app, "caller.mts"),
    `import { type AccessToken, createAuthClient } from "@codex-authd/client";
    export const token: Promise<AccessToken> = createAuthClient().getAccessToken({ minValidityMs: 60_000 });`,
  );
  const typeRoots = join(ROOT, "node_modules/@types");
  const options = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--types",
    "node",
    "--typeRoots",
    typeRoots,
  ];
  // tap's own hooks in NODE_OPTIONS are more than the compiler's launcher bears.
  const compiler = ["env", "-u", "NODE_OPTIONS", join(ROOT, "node_modules/.bin/tsc")];
  const { stdout } = await run([...compiler, ...options, "caller.mts"], app);
  t.equal(stdout, "");
});

t.test("nothing of this repository was needed", async (t) => {
  t.strictSame(readdirSync(join(app, "node_modules/@codex-authd")).sort(), ["client", "daemon", "shared"]);
});
