import { createHash } from "node:crypto";
import t from "tap";
import { cancelledPage } from "#daemon/oauth/pages/cancelled.js";
import { failurePage } from "#daemon/oauth/pages/failure.js";
import { CONTENT_SECURITY_POLICY } from "#daemon/oauth/pages/layout.js";
import { successPage } from "#daemon/oauth/pages/success.js";
import { unfinishedPage } from "#daemon/oauth/pages/unfinished.js";

const ATTACK = `<script>alert("x")</script><img src=x onerror='y'>&amp;`;
const ESCAPED =
  "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&lt;img src=x onerror=&#39;y&#39;&gt;&amp;amp;";

const PAGES = {
  success: successPage({ email: "me@example.com", planType: "pro" }),
  failure: failurePage({ title: "Sign-in failed", message: "The issuer said no.", code: "access_denied" }),
  cancelled: cancelledPage(),
  unfinished: unfinishedPage(),
};

t.test("texts from outside are escaped", async (t) => {
  const failure = failurePage({ title: ATTACK, message: ATTACK, code: ATTACK });
  const success = successPage({ email: ATTACK, planType: null });
  for (const { html } of [failure, success]) {
    t.notMatch(html, /<script|<img/);
    t.ok(html.includes(ESCAPED));
  }
  t.equal(failure.html.split(ESCAPED).length - 1, 4, "in window title, heading, text and code");
});

t.test("nothing that turns the text around it, or hides in it, comes through", async (t) => {
  const { html } = successPage({ email: "me\u202e\u2066@\u0000example\u0085.com", planType: null });
  t.match(html, "<bdi>me<wbr>@example<wbr>.com</bdi>");
});

for (const [name, { html, status }] of Object.entries(PAGES)) {
  t.test(`the ${name} page`, async (t) => {
    t.test("names its language, and has a title, one main and one heading", async (t) => {
      t.match(html, /^<!doctype html>\n<html lang="en">/);
      t.match(html, /<title>[^<]+<\/title>/);
      t.equal(html.split("<main").length, 2);
      t.equal(html.split("<h1>").length, 2);
      t.match(html, 'name="viewport" content="width=device-width, initial-scale=1"');
      t.match(html, "prefers-color-scheme: dark");
    });
    t.test("loads and runs nothing", async (t) => {
      const [before = "", after = ""] = html.split('<link rel="icon" href="data:,">');
      t.notMatch(before + after, /<script|<link|<img|<iframe|<form|url\(|@import|https?:|\son\w+=|\sstyle=/i);
    });
    t.test("moves nothing", async (t) => {
      t.notMatch(html, /animation|transition|@keyframes/);
    });
    t.test("has the one style that the policy allows", async (t) => {
      const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
      const hash = createHash("sha256").update(style).digest("base64");
      t.ok(CONTENT_SECURITY_POLICY.includes(`style-src 'sha256-${hash}'`));
    });
    t.test("has a status that says the same", async (t) => {
      t.equal(status, { success: 200, failure: 400, cancelled: 200, unfinished: 504 }[name]);
    });
  });
}

t.test("the policy forbids everything else", async (t) => {
  for (const rule of [
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]) {
    t.ok(CONTENT_SECURITY_POLICY.includes(rule), rule);
  }
  t.match(CONTENT_SECURITY_POLICY, "img-src data:;");
  t.notMatch(CONTENT_SECURITY_POLICY, /unsafe|http|\*/);
});

t.test("a command in a message is shown as one", async (t) => {
  const { html } = failurePage({ title: "No", message: "Run `codex-auth login <again>`." });
  t.match(html, '<p dir="auto">Run <code>codex-auth login &lt;again&gt;</code>.</p>');
});

t.test("the success page names account and plan, as far as they are known", async (t) => {
  t.match(PAGES.success.html, "<bdi>me<wbr>@example<wbr>.com</bdi>");
  t.match(PAGES.success.html, "<bdi>Pro</bdi>");
  t.match(
    successPage({ email: null, planType: "self_serve_business_usage_based" }).html,
    "<bdi>Self serve business usage based</bdi>",
  );
  t.notMatch(successPage({ email: null, planType: "unknown" }).html, "<dl>");
});

t.test("colours of text have a contrast of at least 4.5 in the light and in the dark", async (t) => {
  const [light = "", dark = ""] = PAGES.success.html.split("@media");
  for (const scheme of [light, dark]) {
    const colour = (name: string): string => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(scheme)?.[1] ?? "";
    for (const ink of ["ink", "soft"]) {
      t.ok(contrast(colour(ink), colour("card")) >= 4.5, `${ink} on card`);
    }
    for (const mood of ["good", "bad", "neutral"]) {
      t.ok(contrast(colour(mood), colour("card")) >= 3, `${mood} on card`);
    }
  }
});

/** WCAG 2.2: contrast ratio of two #rrggbb colours. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
