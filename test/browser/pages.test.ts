/** Every page that a person can end on, in a real Chromium: as it looks, for whom it works, and where it could break. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import t, { type Test } from "tap";
import { createPortHolderFinder } from "#daemon/net/port-holder.js";
import { createLoopbackRedirects, type LoopbackPage } from "#daemon/oauth/loopback-redirect.js";
import { cancelledPage } from "#daemon/oauth/pages/cancelled.js";
import { failurePage } from "#daemon/oauth/pages/failure.js";
import { successPage } from "#daemon/oauth/pages/success.js";
import { unfinishedPage } from "#daemon/oauth/pages/unfinished.js";
import { accessibilityViolations } from "../helpers/accessibility.js";
import { openContext, openPage, startChromium } from "../helpers/chromium.js";
import { createManualClock } from "../helpers/manual-clock.js";
import {
  horizontalScroll,
  MIN_CONTRAST,
  MIN_ENHANCED_CONTRAST,
  structureOf,
  textColours,
} from "../helpers/page-audit.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const SCHEMES = ["light", "dark"] as const;

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** WCAG 2.2 §1.4.10: the width of a screen of 1280 pixels at a zoom of 400 %. */
const NARROW = { width: 320, height: 640 };

/** WCAG 2.2 §1.4.4 asks for text of twice the size. */
const LARGE_TEXT_PX = 32;

/** With the words of the daemon and of the test issuer. */
const PAGES: Record<string, LoopbackPage> = {
  success: successPage({ email: "me@example.com", planType: "pro" }),
  failure: failurePage({
    title: "Sign-in could not be completed",
    message: "Sign-in failed: The user cancelled the sign-in. Run `codex-auth login` to try again.",
    code: "access_denied",
  }),
  cancelled: cancelledPage(),
  unfinished: unfinishedPage(),
};

const LONG_WORD = "abcdefghijklmnopqrstuvwxyz".repeat(8);

/** What an issuer may say, and a layout may break on. */
const AWKWARD_PAGES: Record<string, LoopbackPage> = {
  "a long e-mail": successPage({
    email: `${LONG_WORD}@${"department.".repeat(6)}example.com`,
    planType: "self_serve_business_usage_based",
  }),
  "a long error": failurePage({
    title: "Sign-in could not be completed",
    message: `Sign-in failed: ${"Your administrator has to allow this first, on a page with a long name. ".repeat(5)}${LONG_WORD}`,
    code: LONG_WORD,
  }),
  "a foreign e-mail": successPage({ email: "משתמש@דוגמה.example", planType: "team" }),
  "a foreign error": failurePage({
    title: "Sign-in could not be completed",
    message: "تم رفض تسجيل الدخول.",
  }),
};

const browser = await startChromium(t);
const { context, strays } = await openContext(browser);
const { page, complaints } = await openPage(context);
const clock = createManualClock();
const redirects = createLoopbackRedirects({ clock, findHolder: createPortHolderFinder() });
t.teardown(() => redirects.close());

const screenshots =
  process.env.WRITE_SCREENSHOTS === "1"
    ? fileURLToPath(new URL("../../../docs/screenshots", import.meta.url))
    : temporaryFolder(t);
mkdirSync(screenshots, { recursive: true });

/** Brings the browser to the redirect, which answers it with `content`. Answers the status that came. */
async function show(content: LoopbackPage): Promise<number | undefined> {
  const redirect = await redirects.expect("s1", { ports: [0], redirectHost: "localhost" });
  const visit = page.goto(`${redirect.redirectUri}?code=c1&state=s1`);
  await redirect.response;
  redirect.answer(content);
  const response = await visit;
  redirect.close();
  return response?.status();
}

async function setTextSize(page: Page, standard: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setFontSizes", { fontSizes: { standard } });
  await session.detach();
}

async function assertReflow(t: Test): Promise<void> {
  await page.setViewportSize(NARROW);
  t.equal(await horizontalScroll(page), 0, `nothing is cut off at ${NARROW.width} px`);
  await setTextSize(page, LARGE_TEXT_PX);
  t.equal(await page.evaluate(() => getComputedStyle(document.body).fontSize), `${LARGE_TEXT_PX}px`);
  t.equal(await horizontalScroll(page), 0, "nor with text of twice the size");
  await setTextSize(page, LARGE_TEXT_PX / 2);
}

async function assertContrast(t: Test, minContrast: number): Promise<void> {
  const texts = await textColours(page);
  t.ok(texts.length >= 3, `${texts.length} texts`);
  for (const { text, contrast } of texts) {
    t.ok(contrast >= minContrast, `"${text}" has a contrast of ${contrast.toFixed(1)}`);
  }
}

for (const [name, content] of Object.entries(PAGES)) {
  t.test(`the ${name} page`, async (t) => {
    t.equal(await show(content), content.status);
    const { lang, title, headings, mains, active } = await structureOf(page);
    t.strictSame(
      { lang, headings: headings.length, mains, active },
      { lang: "en", headings: 1, mains: 1, active: [] },
    );
    t.equal(title, `${headings[0]} · codex-authd`);
    for (const colorScheme of SCHEMES) {
      await t.test(`in the ${colorScheme}`, async (t) => {
        await page.emulateMedia({ colorScheme });
        for (const [size, viewport] of Object.entries(SIZES)) {
          await page.setViewportSize(viewport);
          t.strictSame(await accessibilityViolations(page), [], `axe-core finds nothing (${size})`);
          await page.screenshot({ path: join(screenshots, `login-${name}-${size}-${colorScheme}.png`) });
        }
        await assertContrast(t, MIN_CONTRAST);
        await page.emulateMedia({ contrast: "more" });
        await assertContrast(t, MIN_ENHANCED_CONTRAST);
        await page.emulateMedia({ contrast: null, forcedColors: "active" });
        await assertContrast(t, MIN_ENHANCED_CONTRAST);
        await page.emulateMedia({ forcedColors: null });
      });
    }
    await assertReflow(t);
  });
}

for (const [what, content] of Object.entries(AWKWARD_PAGES)) {
  t.test(`${what} breaks nothing`, async (t) => {
    await show(content);
    await assertReflow(t);
    t.strictSame(await accessibilityViolations(page), []);
  });
}

t.test("foreign words run in their own direction, and ours stay where they are", async (t) => {
  const directionOf = (selector: string): Promise<string> =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).direction);
  await show(AWKWARD_PAGES["a foreign error"] ?? cancelledPage());
  t.strictSame([await directionOf("p"), await directionOf("h1")], ["rtl", "ltr"]);
  await show(AWKWARD_PAGES["a foreign e-mail"] ?? cancelledPage());
  t.strictSame(
    [await directionOf("bdi"), await directionOf("dd"), await directionOf("p")],
    ["rtl", "ltr", "ltr"],
  );
});

t.test("a browser that is kept waiting for a minute ends on the unfinished page", async (t) => {
  const redirect = await redirects.expect("s1", { ports: [0], redirectHost: "localhost" });
  const visit = page.goto(`${redirect.redirectUri}?code=c1&state=s1`);
  await redirect.response;
  await clock.advance(60_000);
  t.equal((await visit)?.status(), 504);
  await page.getByRole("heading", { name: "This takes longer than usual" }).waitFor();
  redirect.close();
});

t.test("no page loaded, fetched or complained about anything", async (t) => {
  const expected = /status of (?:400 \(Bad Request\)|504 \(Gateway Timeout\))/;
  t.strictSame(
    { strays, complaints: complaints.filter((words) => !expected.test(words)) },
    { strays: [], complaints: [] },
  );
});

t.test("the browser enforces the policy of our pages, so that its silence means something", async (t) => {
  await show(cancelledPage());
  const refused = page.waitForEvent("console", (message) => message.text().includes("inline script"));
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'taken over'";
    document.body.append(script);
  });
  await refused;
  t.not(await page.title(), "taken over");
});

t.test("the accessibility check finds what is wrong", async (t) => {
  await show(cancelledPage());
  await page.emulateMedia({ colorScheme: "light" });
  await page.evaluate(() => {
    document.documentElement.removeAttribute("lang");
    for (const footer of document.querySelectorAll("footer")) footer.style.color = "#ccc";
  });
  t.strictSame(await accessibilityViolations(page), ["color-contrast: footer", "html-has-lang: html"]);
});
