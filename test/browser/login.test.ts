/** The browser login as a person sees it: a real Chromium, the real daemon, and an issuer that asks. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { openContext, startChromium } from "../helpers/chromium.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import {
  type ColorScheme,
  horizontalScrollAt,
  MIN_CONTRAST,
  structureOf,
  textColoursIn,
} from "../helpers/page-audit.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const BROWSER = ["login", "--browser", "--no-browser", "--json"];

const SCHEMES: readonly ColorScheme[] = ["light", "dark"];

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** The narrowest phones that are still sold. */
const NARROW = 360;

const SCREENSHOTS = fileURLToPath(new URL("../../../docs/screenshots", import.meta.url));

const browser: Browser = await startChromium(t);

const screenshots = process.env.WRITE_SCREENSHOTS === "1" ? SCREENSHOTS : temporaryFolder(t);
mkdirSync(screenshots, { recursive: true });

/** A page that remembers what its browser complained about. */
async function openPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  return { page, complaints };
}

/** Begins a login, opens its address, and clicks on the issuer's page. */
async function logIn(t: Test, click: "Continue" | "Cancel") {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const { context, strays } = await openContext(browser);
  t.teardown(() => context.close());
  const { page, complaints } = await openPage(context);
  const login = daemon.startCli(BROWSER);
  await page.goto(JSON.parse(await login.nextLine()).authorizationUrl);
  await page.getByRole("button", { name: click }).click();
  await page.waitForURL(/\/auth\/callback\?/);
  return { issuer, daemon, login, page, complaints, strays };
}

async function auditPage(t: Test, page: Page): Promise<void> {
  const { lang, title, headings, mains, active } = await structureOf(page);
  t.strictSame(
    { lang, headings: headings.length, mains, active },
    { lang: "en", headings: 1, mains: 1, active: [] },
  );
  t.equal(title, `${headings[0]} · codex-authd`);
  t.equal(await horizontalScrollAt(page, NARROW), 0, `nothing is cut off at ${NARROW} px`);
  for (const scheme of SCHEMES) {
    const texts = await textColoursIn(page, scheme);
    t.ok(texts.length >= 3, `${texts.length} texts`);
    for (const { text, contrast } of texts) {
      t.ok(contrast >= MIN_CONTRAST, `"${text}" has a contrast of ${contrast.toFixed(1)} in the ${scheme}`);
    }
  }
}

async function takeScreenshots(page: Page, name: string): Promise<void> {
  for (const colorScheme of SCHEMES) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.screenshot({ path: join(screenshots, `login-${name}-${size}-${colorScheme}.png`) });
    }
  }
}

async function stateOf(daemon: Daemon): Promise<string> {
  return JSON.parse((await daemon.cli(["status", "--json"])).stdout).state;
}

t.test("Cancel ends on a page that has the issuer's words", async (t) => {
  const { issuer, daemon, login, page, complaints, strays } = await logIn(t, "Cancel");
  await page.getByText("The user cancelled the sign-in.").waitFor();
  t.ok(await page.getByText("access_denied").isVisible());
  await auditPage(t, page);
  await takeScreenshots(page, "failure");

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
  const { issuer, daemon, login, page, complaints, strays } = await logIn(t, "Continue");
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  t.ok(await page.getByText("me@example.com", { exact: true }).isVisible());
  t.ok(await page.getByText("Pro", { exact: true }).isVisible());
  await auditPage(t, page);
  await takeScreenshots(page, "success");

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

t.test("the browser enforces the policy of our pages, so that its silence means something", async (t) => {
  const { page, complaints } = await logIn(t, "Continue");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'taken over'";
    const image = new Image();
    image.src = "/auth/callback";
    document.body.append(script, image);
  });
  await page.waitForTimeout(100);
  t.not(await page.title(), "taken over");
  t.match(complaints.join("\n"), /inline script/);
});
