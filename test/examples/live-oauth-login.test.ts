/** The live example with every switch, as a reader runs it; the issuer of the tests plays auth.openai.com. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice, approveLogin } from "../helpers/browser-user.js";
import { createChatGptBackend } from "../helpers/chatgpt-backend.js";
import { type Child, startNode } from "../helpers/child.js";
import { codexBinary, codexEnvironment, createCodexHome } from "../helpers/codex.js";
import { createPlace, type Place } from "../helpers/daemon-place.js";
import { assertNoSecret, tokensOf } from "../helpers/leaked-secrets.js";
import { occupyPort } from "../helpers/port-occupant.js";
import { processesWith } from "../helpers/process-list.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const EXAMPLE = fileURLToPath(new URL("../../../examples/dist/live-oauth-login.js", import.meta.url));

/** As the README names them. */
const SWITCHES = [
  "--interactive",
  "--browser",
  "--device",
  "--no-browser",
  "--callback-port",
  "--app-server-memory",
  "--keep-home",
  "--use-real-home",
];

const issuer = await startAuthorizationServer(t);

interface World {
  readonly place: Place;
  /** Where the example puts what goes at the end. */
  readonly folder: string;
  start(args: readonly string[], env?: NodeJS.ProcessEnv): Child;
}

function createWorld(t: Test): World {
  const place = createPlace(t, { issuer });
  const folder = temporaryFolder(t);
  return {
    place,
    folder,
    start(args, env = {}) {
      const child = startNode([EXAMPLE, ...args], {
        env: { ...place.env, TMPDIR: folder, ...env },
        cwd: folder,
      });
      t.teardown(() => child.kill("SIGKILL"));
      return child;
    },
  };
}

/** What the first line that matches says. */
async function read(child: Child, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = pattern.exec(await child.nextLine());
    if (found) return found[1] ?? "";
  }
}

function filesWith(folder: string, secrets: readonly string[]): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.filter((path) => secrets.some((secret) => readFileSync(path).includes(secret)));
}

/** Types the code that the example shows. */
async function enterCode(child: Child): Promise<void> {
  const verificationUri = await read(child, /Open (\S+)/);
  await approveDevice(verificationUri, await read(child, /enter the code (\S+)/));
}

/** It ended well, with a token that it did not show. */
async function assertDone(t: Test, child: Child): Promise<string> {
  const { code, stdout, stderr } = await child.ended;
  t.strictSame({ code, stderr }, { code: 0, stderr: "" });
  assertNoSecret(stdout, tokensOf(issuer), "what the example prints");
  return stdout;
}

function assertNothingStays(t: Test, { place, folder }: World): void {
  t.strictSame(readdirSync(folder), []);
  t.strictSame(readdirSync(place.codexHome), [], "the person's own Codex home is untouched");
  t.notOk(existsSync(join(place.home, ".local")), "and so is the state of their daemon");
}

t.test("without a session and without a person it is skipped, after the status", async (t) => {
  const world = createWorld(t);
  for (const args of [[], ["--device"], ["--app-server-memory"]]) {
    const stdout = await assertDone(t, world.start(args));
    t.match(stdout, /^\nStatus\n[\s\S]*state +signedOut[\s\S]*\nSKIPPED: .* Add --interactive\.\n$/);
  }
  assertNothingStays(t, world);
});

t.test("with a code", async (t) => {
  const world = createWorld(t);
  const child = world.start(["--interactive", "--device"]);
  await enterCode(child);
  const stdout = await assertDone(t, child);
  t.match(stdout, /state +signedOut[\s\S]*state +active\n +who +me@example\.com, plan pro\n/);
  t.match(stdout, /account +acct-fake-0001\n/);
  t.match(stdout, /Forced refresh\n─+\n {2}Another token/);
  assertNothingStays(t, world);
});

t.test("with a browser that somebody else opens, in a home that is kept and used again", async (t) => {
  const world = createWorld(t);
  const { port, leave } = await occupyPort(t);
  leave();
  const where = [`--callback-port=${port}`, "--no-browser", "--keep-home"];
  const child = world.start(["--interactive", "--browser", ...where]);
  const page = await approveLogin(await read(child, /Open (\S+)/));
  t.equal(page.status, 200);
  t.equal(new URL(page.url).port, String(port));
  const stdout = await assertDone(t, child);
  const [, home = ""] = /The Codex home (\S+) is kept\.\n$/.exec(stdout) ?? [];
  t.strictSame(readdirSync(world.folder), [home.split("/").at(-1)]);
  t.ok(existsSync(join(home, "auth.json")));

  const again = await assertDone(t, world.start([], { CODEX_OAUTH_EXAMPLE_HOME: home }));
  t.match(again, /^\nStatus\n[\s\S]*state +active\n/);
  t.notMatch(again, /Log in|SKIPPED/);
  t.match(again, /Another token/);
  t.ok(existsSync(join(home, "auth.json")), "a home that was named is never removed");
});

t.test("a login in memory keeps an app-server in tokens, and leaves none on disk", async (t) => {
  const isAccessTokenValid = (token: string): boolean => issuer.isAccessTokenValid(token);
  const backend = await createChatGptBackend({ isAccessTokenValid });
  const codex = await createCodexHome({ backend, issuer: issuer.url });
  t.teardown(() => Promise.all([codex.close(), backend.close()]));
  const world = createWorld(t);
  const PATH = `${dirname(codexBinary)}:${process.env.PATH}`;
  const env = {
    ...codexEnvironment(codex),
    PATH,
    TMPDIR: world.folder,
    CODEX_OAUTH_EXAMPLE_HOME: codex.path,
  };
  const host = async (): Promise<string> => {
    const child = world.start(["--interactive", "--device", "--app-server-memory"], env);
    await enterCode(child);
    return assertDone(t, child);
  };
  const refusals = () => backend.requests.filter(({ status }) => status === 401).length;

  const pushed = await host();
  t.match(pushed, /storage +memory\n[\s\S]*App-server\n─+\n +account +me@example\.com, plan pro\n/);
  t.match(pushed, "it got the new one without asking");
  t.equal(refusals(), 0);

  backend.rejectNext(1, "accounts/check");
  t.match(await host(), "Its token was refused (401). It asked for a fresh one, and got it.");
  t.equal(refusals(), 1);

  t.notOk(existsSync(codex.authFile));
  t.strictSame(filesWith(codex.path, tokensOf(issuer)), []);
  t.strictSame(readdirSync(world.folder), []);
});

t.test("--use-real-home uses the person's own home and daemon, and leaves both", async (t) => {
  const world = createWorld(t);
  const child = world.start(["--use-real-home", "--interactive", "--device"]);
  await enterCode(child);
  await assertDone(t, child);
  t.ok(existsSync(join(world.place.codexHome, "auth.json")));
  t.match(await world.place.client().getStatus(), { state: "active", codexHome: world.place.codexHome });
  t.strictSame(readdirSync(world.folder), []);
});

t.test("Ctrl-C in the midst of a login cancels it, and nothing stays", async (t) => {
  const world = createWorld(t);
  const child = world.start(["--interactive", "--device"]);
  await read(child, /enter the code/);
  const [live = ""] = readdirSync(world.folder).filter((name) => name.startsWith("live-"));
  const socket = join(world.folder, live, "d.sock");
  t.equal(processesWith(socket).length, 1);
  child.kill("SIGINT");
  const { code, stderr } = await child.ended;
  t.strictSame({ code, stderr }, { code: 130, stderr: "" });
  t.strictSame(processesWith(socket), []);
  assertNothingStays(t, world);
});

t.test("what cannot be followed is refused with a sentence, before anything happens", async (t) => {
  const world = createWorld(t);
  const home = join(world.folder, "home");
  mkdirSync(home);
  const wrong: [args: string[], words: RegExp][] = [
    [["--browser", "--device"], /^--browser and --device contradict each other\. .+\.\n$/],
    [["--device", "--no-browser"], /contradict/],
    [["--device", "--callback-port=1455"], /contradict/],
    [["--use-real-home", "--keep-home"], /contradict/],
    [["--use-real-home", "--app-server-memory"], /contradict/],
    [["--callback-port=99999"], /is no port/],
    [["--callback-port"], /--callback-port.*--help/],
    [["--colour"], /--colour.*--help/],
    [["login"], /login.*--help/],
  ];
  for (const [args, words] of wrong) {
    const { code, stdout, stderr } = await world.start(args).ended;
    t.strictSame({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    t.match(stderr, words);
  }
  const { code, stderr } = await world.start(["--use-real-home"], { CODEX_OAUTH_EXAMPLE_HOME: home }).ended;
  t.equal(code, 2);
  t.match(stderr, /two Codex homes/);
  t.strictSame(readdirSync(world.folder), ["home"]);
});

t.test("--help tells every switch", async (t) => {
  const stdout = await assertDone(t, createWorld(t).start(["--help"]));
  const told = [...stdout.matchAll(/^ +(--[\w-]+)/gm)].map(([, name]) => name);
  t.strictSame(told, SWITCHES);
  t.match(stdout, "CODEX_OAUTH_EXAMPLE_HOME");
});

t.test("the issuer saw nothing that Codex would not send", async (t) => {
  t.strictSame(issuer.violations, []);
});
