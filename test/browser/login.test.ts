/** The browser login as a person sees it: a real Chromium, the real daemon, and an issuer that asks. */
import type { Browser, Page, Response } from "playwright-core";
import t, { type Test } from "tap";
import { CONTENT_SECURITY_POLICY } from "#daemon/oauth/pages/layout.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import type { Child } from "../helpers/child.js";
import { openContext, openPage, startChromium } from "../helpers/chromium.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";

const BROWSER = ["login", "--browser", "--no-browser", "--json"];

/** A redirect takes a moment; on a busy machine, more. */
const PATIENCE_MS = 60_000;

const browser: Browser = await startChromium(t);

async function startWorld(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const { context, strays } = await openContext(browser);
  t.teardown(() => context.close());
  return { issuer, daemon, strays, ...(await openPage(context)) };
}

/** Begins a login, opens its address, and clicks on the issuer's page. */
async function logIn(t: Test, click: "Continue" | "Cancel") {
  const world = await startWorld(t);
  const { login, answer } = await agree(world.daemon, world.page, click);
  return { ...world, login, answer: await answer };
}

/** The browser is then on its way to our page, whose answer may take long. */
async function agree(daemon: Daemon, page: Page, click: "Continue" | "Cancel") {
  const login = daemon.startCli(BROWSER);
  await page.goto(JSON.parse(await login.nextLine()).authorizationUrl);
  const answer = page.waitForResponse(/\/auth\/callback\?/, { timeout: PATIENCE_MS });
  await page.getByRole("button", { name: click }).click({ noWaitAfter: true });
  return { login, answer };
}

/** The page came as every page of ours has to. */
async function assertAnswer(t: Test, answer: Response, status: number): Promise<void> {
  t.equal(answer.status(), status);
  t.match(await answer.allHeaders(), {
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "content-type": "text/html; charset=utf-8",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
}

async function stateOf(daemon: Daemon): Promise<string> {
  return JSON.parse((await daemon.cli(["status", "--json"])).stdout).state;
}

t.test("Cancel ends on a page that has the issuer's words", async (t) => {
  const { issuer, daemon, login, page, answer, complaints, strays } = await logIn(t, "Cancel");
  await page.getByText("The user cancelled the sign-in.").waitFor();
  t.ok(await page.getByText("access_denied").isVisible());
  await assertAnswer(t, answer, 400);

  const { code, stdout, stderr } = await login.ended;
  t.equal(code, 5);
  t.match(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""), {
    error: { code: "ERR_LOGIN_DENIED", message: "The user cancelled the sign-in." },
  });
  t.equal(stderr, "");
  t.equal(await stateOf(daemon), "signedOut");
  t.equal(issuer.requestsTo("token").length, 0);
  t.strictSame({ violations: issuer.violations, strays }, { violations: [], strays: [] });
  t.strictSame(
    complaints.filter((words) => !words.includes("400 (Bad Request)")),
    [],
  );
});

t.test("Continue ends on a page that says who is signed in", async (t) => {
  const { issuer, daemon, login, page, answer, complaints, strays } = await logIn(t, "Continue");
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  t.ok(await page.getByText("me@example.com", { exact: true }).isVisible());
  t.ok(await page.getByText("Pro", { exact: true }).isVisible());
  await assertAnswer(t, answer, 200);

  t.match(JSON.parse(await login.nextLine()), {
    event: "loggedIn",
    email: "me@example.com",
    planType: "pro",
  });
  t.equal((await login.ended).code, 0);
  t.equal(await stateOf(daemon), "active");
  t.strictSame(
    { violations: issuer.violations, strays, complaints },
    { violations: [], strays: [], complaints: [] },
  );
});

t.test("while the browser waits for its page, a login is cancelled", async (t) => {
  const { issuer, daemon, page, complaints, strays } = await startWorld(t);
  const endings: Record<string, (login: Child) => Promise<number>> = {
    "by Ctrl-C": async (login) => {
      login.kill("SIGINT");
      return 130;
    },
    "by a newer one": async () => {
      await daemon.startCli(BROWSER).nextLine();
      return 1;
    },
  };
  for (const [how, end] of Object.entries(endings)) {
    await t.test(how, async (t) => {
      const held = issuer.hold("token");
      const { login, answer } = await agree(daemon, page, "Continue");
      await held.arrived;
      const code = await end(login);
      await page.getByRole("heading", { name: "Sign-in cancelled" }).waitFor();
      await assertAnswer(t, await answer, 200);
      t.equal((await login.ended).code, code);
      held.release();
      t.equal(await stateOf(daemon), "signedOut");
    });
  }
  t.strictSame(
    { violations: issuer.violations, strays, complaints },
    { violations: [], strays: [], complaints: [] },
  );
});
