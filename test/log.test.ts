import { spawn } from "node:child_process";
import { once } from "node:events";
import { AuthError, Redacted } from "@codex-authd/shared";
import t from "tap";
import { createLog, type Log, type LogFields, scrubbed } from "#daemon/log.js";
import { fakeJwt } from "./helpers/grants.js";
import { createManualClock } from "./helpers/manual-clock.js";

function capture(level: Parameters<typeof createLog>[0]["level"] = "trace"): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLog({ level, clock: createManualClock(), destination }), lines };
}

const JWT = fakeJwt({ sub: "me" });
const REFRESH_TOKEN = "rt_very-secret.token_1234567890";
const SECRETS = [
  JWT,
  REFRESH_TOKEN,
  "rt.1.AAabcdefghij",
  "at-0123456789abcdef",
  "sk-proj-abcdefgh_ijkl",
  "ac_secret-code",
];

const LEAKS = [
  `Unexpected token in ${JWT}`,
  `Bearer ${JWT}`,
  "Authorization: Bearer ac_secret-code",
  `GET /auth/callback?code=ac_secret-code&state=ac_secret-code&scope=openid`,
  "grant_type=authorization_code&code=ac_secret-code&code_verifier=ac_secret-code",
  `refresh_token=${REFRESH_TOKEN}`,
  "HTTPS_PROXY is http://me:ac_secret-code@proxy.example:8080",
  `{"refresh_token":"ac_secret-code","access_token" : "ac_secret-code"}`,
  JSON.stringify(JSON.stringify({ id_token: "ac_secret-code", accessToken: "ac_secret-code" })),
  `token ${REFRESH_TOKEN}, key sk-proj-abcdefgh_ijkl, at-0123456789abcdef and rt.1.AAabcdefghij`,
];

t.test("nothing that looks like a secret gets into a line, wherever it hides", async (t) => {
  for (const leak of LEAKS) {
    const { log, lines } = capture();
    const cause = new Error(leak, { cause: new Error(leak) });
    log.error({
      event: "test.leak",
      reason: leak,
      path: leak,
      error: new AuthError("ERR_ISSUER_RESPONSE", leak, { cause }),
    });
    log.error({ event: "test.leak", error: leak });
    for (const secret of SECRETS) t.notOk(lines.join("").includes(secret), `${secret} of ${leak}`);
    for (const line of lines) t.ok(JSON.parse(line), "the line is still JSON");
  }
});

t.test("a field that is not on the list is left out, whoever lets it in", async (t) => {
  const { log, lines } = capture();
  const request = { event: "test.event", body: "secret", headers: { cookie: "secret" } } as LogFields;
  log.info(request);
  log.error({
    event: "test.event",
    error: Object.assign(new Error("words"), { request: "secret", response: "secret" }),
  });
  t.notMatch(lines.join(""), /secret/);
});

t.test("a redacted value stays so", async (t) => {
  const { log, lines } = capture();
  log.info({ event: "test.event", error: new Redacted("secret") });
  t.notMatch(lines.join(""), /secret/);
});

t.test("what only resembles a secret is left alone", async (t) => {
  for (const words of [
    "ERR_LOGIN_REQUIRED",
    "/home/me/.codex/auth.json",
    "status=200",
    "a".repeat(64),
    "eyJ",
    "rt_short",
    "https://auth.openai.com/oauth/token",
  ]) {
    t.equal(scrubbed(words), words);
  }
});

t.test("a line is one JSON object with time, level, pid and event", async (t) => {
  const { log, lines } = capture();
  log.info({ event: "socket.listening", path: "/s", code: undefined });
  t.same(JSON.parse(lines[0] ?? ""), {
    level: "info",
    time: "2026-11-22T12:00:00.000Z",
    pid: process.pid,
    event: "socket.listening",
    path: "/s",
  });
  t.match(lines[0], /^\{[^\n]+\}\n$/);
});

t.test("an error is its words, its code and its causes, and no deeper than makes sense", async (t) => {
  const { log, lines } = capture();
  const error = new Error("outer", { cause: Object.assign(new Error("inner"), { code: "EACCES" }) });
  const endless = new Error("endless");
  endless.cause = endless;
  log.warn({ event: "test.event", error });
  log.warn({ event: "test.event", error: endless });
  t.match(JSON.parse(lines[0] ?? "").error, {
    name: "Error",
    message: "outer",
    stack: /log\.test/,
    cause: { message: "inner", code: "EACCES" },
  });
  t.equal(lines[1]?.match(/"message":"endless"/g)?.length, 5);
});

t.test("levels below the chosen one are silent", async (t) => {
  for (const [level, count] of [
    ["trace", 6],
    ["info", 4],
    ["fatal", 1],
    ["silent", 0],
  ] as const) {
    const { log, lines } = capture(level);
    for (const name of ["fatal", "error", "warn", "info", "debug", "trace"] as const)
      log[name]({ event: "test.event" });
    t.equal(lines.length, count, level);
  }
});

t.test("by default it goes to stderr, at once, and a closed stderr is survived", async (t) => {
  const module = new URL(import.meta.resolve("#daemon/log.js")).href;
  const script = `
    import { systemClock } from "@codex-authd/shared";
    import { createLog } from ${JSON.stringify(module)};
    const log = createLog({ level: "info", clock: systemClock });
    log.info({ event: "test.first" });
    process.stdin.once("data", () => {
      for (let i = 0; i < 3; i++) log.info({ event: "test.later" });
      setImmediate(() => process.exit(7));
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  const [line] = await once(child.stderr, "data");
  t.match(JSON.parse(String(line)), { event: "test.first" });
  child.stderr.destroy();
  child.stdin.write("go");
  const [code] = await once(child, "exit");
  t.equal(code, 7);
});
