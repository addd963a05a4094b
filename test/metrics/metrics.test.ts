import { openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { createMetrics, type SessionFacts } from "#daemon/metrics/metrics.js";
import { createEventLoopLag, openDescriptors } from "#daemon/metrics/process-facts.js";

t.test("calls and exchanges are counted by result and timed", async (t) => {
  let nowMs = 0;
  const metrics = createMetrics({ version: "1", sessions: () => [], monotonicMs: () => nowMs });
  const answered = metrics.callBegan("token/get");
  const ended = metrics.exchangeBegan();
  nowMs = 700;
  ended("refused");
  answered("ERR_REFRESH_REJECTED");
  metrics.sessionChanged("adoption");
  const text = metrics.render();
  for (const line of [
    'codex_authd_calls_total{method="token/get",result="ok"} 0',
    'codex_authd_calls_total{method="token/get",result="ERR_REFRESH_REJECTED"} 1',
    'codex_authd_call_duration_seconds_bucket{method="token/get",le="0.5"} 0',
    'codex_authd_call_duration_seconds_bucket{method="token/get",le="1"} 1',
    'codex_authd_call_duration_seconds_sum{method="token/get"} 0.7',
    'codex_authd_exchanges_total{result="refused"} 1',
    'codex_authd_exchanges_total{result="refreshed"} 0',
    'codex_authd_exchange_duration_seconds_bucket{le="0.5"} 0',
    'codex_authd_exchange_duration_seconds_bucket{le="1"} 1',
    'codex_authd_session_changes_total{cause="adoption"} 1',
  ]) {
    t.ok(text.split("\n").includes(line), line);
  }
});

t.test("sessions are counted by state, each state always, and never named", async (t) => {
  const facts: SessionFacts[] = [
    { state: "active", isUnsaved: true, waiters: 3 },
    { state: "active", isUnsaved: false, waiters: 2 },
    { state: "reauthorizationRequired", isUnsaved: false, waiters: 0 },
  ];
  const text = createMetrics({ version: "1", sessions: () => facts }).render();
  t.match(text, /^codex_authd_sessions\{state="signedOut"\} 0$/m);
  t.match(text, /^codex_authd_sessions\{state="active"\} 2$/m);
  t.match(text, /^codex_authd_sessions\{state="reauthorizationRequired"\} 1$/m);
  t.match(text, /^codex_authd_unsaved_sessions 1$/m);
  t.match(text, /^codex_authd_waiters 5$/m);
});

t.test("a file that is opened is counted", async (t) => {
  const before = openDescriptors() ?? Number.NaN;
  openSync("/dev/null", "r");
  t.equal(openDescriptors(), before + 1);
});

t.test("work that holds up the event loop is its lag, until the next look", async (t) => {
  const lag = createEventLoopLag();
  t.same(lag.read(), { p99: 0, max: 0 }, "nothing was measured before the first look");
  await delay(100);
  const untilMs = performance.now() + 300;
  while (performance.now() < untilMs);
  await delay(100);
  t.ok(lag.read().max > 0.2);
});
