import fc from "fast-check";
import t from "tap";
import { rejectedTokenOf } from "../helpers/login-invariants.js";
import { LoginWorld } from "../helpers/login-world.js";
import type { Outcome } from "../helpers/memory-issuer.js";

const MINUTE_MS = 60_000;

/** Enough to find again what was found once, in some seconds; PROOF=1 looks for what was not. */
const RUNS = process.env.PROOF ? 20_000 : 500;
const COMMANDS_MAX = 40;

/** For a proof on a slow machine; the usual runs take seconds. */
const TIMEOUT_MS = 20 * MINUTE_MS;

type Command = fc.AsyncCommand<object, LoginWorld>;

/** A step of the world, with the invariants checked after it. */
function command(name: string, run: (world: LoginWorld) => Promise<unknown> | unknown): Command {
  return {
    check: () => true,
    async run(_, world) {
      await run(world);
      await world.clock.advance(0);
      world.invariants.check();
    },
    toString: () => name,
  };
}

const outcomes: readonly Outcome[] = [
  "rotated",
  "kept",
  "otherAccount",
  "lost",
  "unheard",
  "unsent",
  "busy",
  "refused",
];
const account = fc.constantFrom("A", "B");
const rejected = fc.constantFrom("none", "current", "old");
type Rejected = "none" | "current" | "old";

function rejectedToken(world: LoginWorld, which: Rejected): string | undefined {
  if (which === "none") return undefined;
  const { email } = world.session.status();
  return rejectedTokenOf(
    world,
    which === "current" ? email : `${Number.parseInt(email ?? "", 10) - 1}@example.com`,
  );
}

const issuerCommands = [
  fc
    .tuple(fc.constantFrom(...outcomes), fc.boolean())
    .map(([outcome, isHeld]) =>
      command(`next exchange: ${outcome}${isHeld ? ", held" : ""}`, (world) =>
        world.issuer.script({ outcome, isHeld }),
      ),
    ),
  fc.constant(command("let go", (world) => world.issuer.release())),
];

const foreignCommands = [
  account.map((name) => command(`another process logs in ${name}`, (world) => world.foreignLogin(name))),
  fc
    .boolean()
    .map((isWritten) =>
      command(`Codex refreshes${isWritten ? "" : ", unwritten"}`, (world) => world.foreignRefresh(isWritten)),
    ),
  fc.nat(5).map((age) => command(`older content ${age} is restored`, (world) => world.restore(age))),
  fc
    .constantFrom("absent" as const, "torn" as const, "apikey" as const)
    .map((kind) => command(`the file becomes ${kind}`, (world) => world.foreignWrite(kind))),
];

const daemonCommands = [
  account.map((name) => command(`login ${name}`, (world) => world.login(name))),
  fc
    .boolean()
    .map((revoke) => command(`logout${revoke ? ", revoked" : ""}`, (world) => world.logout(revoke))),
  fc
    .tuple(fc.option(account, { nil: undefined }), rejected, fc.constantFrom(0, 40 * MINUTE_MS))
    .map(([accountId, which, minValidityMs]) =>
      command(`token of ${accountId ?? "anybody"}, ${which} rejected, ${minValidityMs} ms`, (world) => {
        const request = { accountId, minValidityMs, rejectedToken: rejectedToken(world, which) };
        const read = world.session.getToken(request);
        void world.call(read.then((answer) => world.invariants.onToken(answer, accountId)));
      }),
    ),
  rejected.map((which) =>
    command(
      `refresh, ${which} rejected`,
      (world) => void world.call(world.session.refresh(rejectedToken(world, which))),
    ),
  ),
  fc.constant(command("status", (world) => world.finish(world.session.freshStatus()))),
  fc.constant(command("restart", (world) => world.restart())),
  fc.constant(command("crash", (world) => world.crashAndStart())),
];

const machineCommands = [
  fc
    .record({
      isFull: fc.boolean(),
      isLocked: fc.boolean(),
      latencyMs: fc.constantFrom(0, 0, 30),
      announcedAfterMs: fc.constantFrom(100, 100, 10_000),
    })
    .map((faults) =>
      command(`file ${JSON.stringify(faults)}`, (world) => void Object.assign(world.file, faults)),
    ),
  fc.constant(
    command("refresh on a full disk", (world) => {
      world.file.isFull = true;
      void world.call(world.session.refresh());
    }),
  ),
  fc.boolean().map((isFull) =>
    command(`state folder ${isFull ? "full" : "fine"}`, (world) => {
      world.isRecordFull = isFull;
    }),
  ),
  fc.constant(
    command("all disks are fine, restart", (world) => {
      world.mendDisks();
      return world.restart();
    }),
  ),
  fc.constant(command("all disks are fine", (world) => world.mendDisks())),
  fc
    .constantFrom(-180, -30, -1, 1, 30, 56, 180)
    .map((minutes) => command(`clock set by ${minutes} min`, (world) => world.setClock(minutes * MINUTE_MS))),
  fc
    .constantFrom(1, 30, 56, 61, 180)
    .map((minutes) => command(`asleep for ${minutes} min`, (world) => world.suspend(minutes * MINUTE_MS))),
  fc
    .constantFrom(50, 300, 2_000, 11_000, 60_000)
    .map((ms) => command(`${ms} ms pass`, (world) => world.clock.advance(ms))),
];

t.setTimeout(TIMEOUT_MS);

t.test("whatever happens in whatever order, no login is lost, spent twice, mixed up or told", async (t) => {
  t.setTimeout(TIMEOUT_MS);
  const commands = fc.commands(
    [...issuerCommands, ...foreignCommands, ...daemonCommands, ...machineCommands],
    {
      maxCommands: COMMANDS_MAX,
      size: "max",
    },
  );
  const property = fc.asyncProperty(commands, async (steps) => {
    const world = new LoginWorld();
    await world.start();
    world.foreignLogin("A");
    await world.clock.advance(2_000);
    await fc.asyncModelRun(() => ({ model: {}, real: world }), steps);
    await world.end();
  });
  await t.resolves(fc.assert(property, { numRuns: RUNS, verbose: process.env.PROOF ? 0 : 1 }));
});
