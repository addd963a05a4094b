/** What a tired person reads, at 60 columns. */
import type { SessionStatus } from "@codex-authd/shared";
import stringWidth from "string-width";
import t from "tap";
import { sessionLines, sessionTable } from "#client/cli/session-view.js";
import { sessionStatus } from "../helpers/fake-daemon.js";

process.env.TZ = "UTC";

const NOW_MS = Date.parse("2026-11-22T12:00:00Z");
const output = { styleResult: (_style: unknown, text: string) => text } as unknown as Parameters<
  typeof sessionLines
>[1]["output"];

function shown(changes: Partial<SessionStatus>, codexHome?: string): string[] {
  return sessionLines(sessionStatus(changes), { nowMs: NOW_MS, output, columns: 60, codexHome });
}

const lastError = {
  code: "ERR_ISSUER_UNAVAILABLE",
  message: "The issuer does not answer. Try again.",
  atMs: NOW_MS,
};

t.test("a refresh that fails is said first, and that there is nothing to do yet", async (t) => {
  t.same(shown({ lastError }).slice(0, 4), [
    "Logged in as ada@example.com",
    "But the last refresh did not succeed. Nothing to do yet: the",
    "token is good until 13:00 (in 60 minutes), and the daemon",
    "tries again.",
  ]);
});

t.test("a token that is not written is said first, and what to leave alone", async (t) => {
  const lines = shown({ storageState: "pending", lastError });
  t.match(
    lines.slice(0, 3).join(" "),
    /^Logged in .* But the newest token is not written yet\. Mend the disk .* leave the daemon running/,
  );
});

t.test("the cure is for the login that is shown, and for no other", async (t) => {
  const signedOut = { state: "signedOut", authMode: null, reason: "There is no login." } as const;
  t.same(shown(signedOut).slice(0, 2), ["Not logged in. There is no login.", "Run `codex-auth login`."]);
  t.equal(shown(signedOut, "/home/ada/work")[1], "Run `codex-auth login --codex-home /home/ada/work`.");
  t.equal(shown({ ...signedOut, sessionName: "work" })[1], "Run `codex-auth login --memory work`.");
});

t.test("a long reason goes below the headline, in whole words", async (t) => {
  const oauthError = "refresh_token_reused";
  const lines = shown({ state: "reauthorizationRequired", lastError: { ...lastError, oauthError } });
  t.same(lines.slice(0, 5), [
    "The login has ended.",
    "Another program had used this login's refresh token before:",
    "a second Codex on a copy of auth.json, or a restored backup.",
    "Run `codex-auth login`.",
    "  plan          plus",
  ]);
});

t.test("no line is wider than the terminal, and a long value stays beside its label", async (t) => {
  const long = {
    codexHome: `/home/ada/${"projects/".repeat(8)}codex`,
    lastError,
    storageState: "pending",
  } as const;
  const lines = shown(long);
  t.same(
    lines.filter((line) => stringWidth(line) > 60),
    [],
  );
  const at = lines.findIndex((line) => line.startsWith("  Codex home"));
  t.match(lines[at + 1], /^ {16}\S/);
});

t.test("wide characters keep the columns of a list in line", async (t) => {
  const [head = "", ...rows] = sessionTable(
    [sessionStatus(), sessionStatus({ email: "山田@例え.jp" })],
    NOW_MS,
  );
  const planAt = stringWidth(head.slice(0, head.indexOf("PLAN")));
  for (const row of rows) t.equal(stringWidth(row.slice(0, row.indexOf("plus"))), planAt);
});
