import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { openInBrowser } from "#client/index.js";
import { createManualClock } from "../helpers/manual-clock.js";

const URL = "https://auth.openai.com/oauth/authorize?a=1&b=$(touch x)";

async function browser(t: Test, script: string): Promise<{ BROWSER: string; PATH: string; seen: string }> {
  const folder = t.testdir();
  const BROWSER = join(folder, "a browser");
  await writeFile(BROWSER, `#!/bin/sh\n${script}\n`);
  await chmod(BROWSER, 0o700);
  return { BROWSER, PATH: process.env.PATH ?? "", seen: join(folder, "seen") };
}

t.test("what is no web address is refused", async (t) => {
  for (const url of ["file:///etc/passwd", "javascript:alert(1)", "vscode://x", "/tmp/x", "--help", ""]) {
    await t.rejects(openInBrowser(url, { env: {} }), { name: "TypeError" }, url);
  }
});

t.test("a browser that fails is reported, not passed over", async (t) => {
  const env = await browser(t, "exit 3");
  t.same(await openInBrowser(URL, { env }), { opened: false, reason: "the browser ended with exit code 3" });
});

t.test("a browser that is not there is reported", async (t) => {
  const outcome = await openInBrowser(URL, { env: { BROWSER: "/no/such/browser" } });
  t.match(outcome, { opened: false, reason: /ENOENT/ });
});

t.test("$BROWSER gets the address as its only argument, untouched by a shell", async (t) => {
  const env = await browser(t, 'printf "%s\\n" "$#" "$1" > "$seen"');
  t.same(await openInBrowser(URL, { env }), { opened: true });
  t.equal(await readFile(env.seen, "utf8"), `1\n${URL}\n`);
});

t.test("a browser that stays open was opened", async (t) => {
  const clock = createManualClock();
  const env = await browser(t, 'echo > "$seen"; exec sleep 2');
  const outcome = openInBrowser(URL, { env, clock });
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(1_500);
  t.same(await outcome, { opened: true });
});
