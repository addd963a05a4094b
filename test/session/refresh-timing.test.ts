import fc from "fast-check";
import t from "tap";
import { backOffMs, dueAtMs, isOver, isWithin, presentAgainAtMs } from "#daemon/session/refresh-timing.js";

const MINUTE = 60_000;
const due = (lifetimeMs: number, random = 0.5): number =>
  dueAtMs({ issuedAtMs: 0, expiresAtMs: lifetimeMs }, random);

t.test("dueAtMs: min(½ L, L − 15 min), not before 0.1 L", async (t) => {
  t.equal(due(10 * 24 * 60 * MINUTE), 5 * 24 * 60 * MINUTE, "ten days: half");
  t.equal(due(60 * MINUTE), 30 * MINUTE, "an hour: half");
  t.equal(due(20 * MINUTE), 5 * MINUTE, "twenty minutes: 15 before the end");
  t.equal(due(400_000), 40_000, "400 s: a tenth");
  t.equal(due(330_000), 33_000, "from 330 s on, a tenth");
  t.equal(due(329_000), 164_500, "below 330 s: half");
  t.equal(due(20_000), 10_000);
});

t.test("dueAtMs: a token without exp is due a day before Codex would refresh it", async (t) => {
  t.equal(dueAtMs({ issuedAtMs: 0, expiresAtMs: null }, 0.5), 7 * 24 * 60 * MINUTE);
});

t.test("dueAtMs: from 336 s on always before Codex's own 5 minutes, jitter and all", async (t) => {
  const property = () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 336_000, max: 30 * 24 * 60 * MINUTE }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (lifetime, random) => {
          const at = due(lifetime, random);
          return at > 0 && at < lifetime - 5 * MINUTE;
        },
      ),
      { examples: [[336_000, 0.999]] },
    );
  t.doesNotThrow(property);
});

t.test("dueAtMs: jitter moves the wait by at most 5 %", async (t) => {
  t.equal(due(60 * MINUTE, 0), Math.round(30 * MINUTE * 0.95));
  t.ok(due(60 * MINUTE, 0.999999) <= 30 * MINUTE * 1.05);
});

t.test("backOffMs doubles to five minutes, and obeys Retry-After", async (t) => {
  t.equal(backOffMs(0, 1), 1000);
  t.equal(backOffMs(3, 1), 8000);
  t.equal(backOffMs(3, 0), 4000);
  t.equal(backOffMs(40, 1), 5 * MINUTE);
  t.equal(backOffMs(0, 0, 90_000), 90_000);
});

t.test("a wait that no rule of ours makes is taken as over: the clock was set back", async (t) => {
  t.ok(isOver(null, 0));
  t.ok(isOver(5, 5));
  t.notOk(isOver(6, 5));
  t.ok(isOver(24 * 60 * MINUTE, 0));
  t.ok(isWithin(10, 5, 14));
  t.notOk(isWithin(10, 5, 15));
  t.notOk(isWithin(10, 5, 4));
  t.notOk(isWithin(10, null, 4));
});

t.test(
  "a token that may be spent is presented once before Codex would, then when nothing is left to lose",
  async (t) => {
    const token = { issuedAtMs: 0, expiresAtMs: 60 * MINUTE };
    t.equal(presentAgainAtMs(token, 1, true), 55 * MINUTE);
    t.equal(presentAgainAtMs(token, 2, true), 60 * MINUTE);
    t.equal(presentAgainAtMs(token, 1, false), 60 * MINUTE);
    t.equal(
      presentAgainAtMs({ issuedAtMs: 0, expiresAtMs: null }, 1, true),
      8 * 24 * 60 * MINUTE - 5 * MINUTE,
    );
  },
);
