import { systemClock } from "@codex-authd/shared";
import t from "tap";
import { hasIPv4Localhost } from "#daemon/net/ipv4-localhost.js";
import { createManualClock } from "../helpers/manual-clock.js";

const resolving =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: 0 }));

t.test("localhost leads to the listener where it has an address of IPv4", async (t) => {
  t.equal(await hasIPv4Localhost(systemClock, resolving("::1", "127.0.0.1")), true);
  t.equal(await hasIPv4Localhost(systemClock, resolving("::1")), false);
});

t.test("a name that nobody knows, or nobody answers for in a second, leads nowhere", async (t) => {
  t.equal(await hasIPv4Localhost(systemClock, () => Promise.reject(new Error("ENOTFOUND"))), false);
  const clock = createManualClock();
  const slow = hasIPv4Localhost(clock, () => new Promise(() => undefined));
  await clock.advance(1_000);
  t.equal(await slow, false);
});

t.test("this machine has one", async (t) => {
  t.equal(await hasIPv4Localhost(systemClock), true);
});
