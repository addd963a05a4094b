import { lookup } from "node:dns/promises";
import { type Clock, withDeadline } from "@codex-authd/shared";

/** The hosts file answers at once; where it does not know the name, a name server may be out of reach. */
const LOOKUP_DEADLINE_MS = 1_000;

/**
 * True when the name `localhost` leads to 127.0.0.1 here, where the loopback redirect listens. Where it is IPv6 only, a
 * browser that follows the name would find nobody.
 * @param resolve default: the system's resolver, hosts file included
 */
export async function hasIPv4Localhost(
  clock: Clock,
  resolve = () => lookup("localhost", { all: true }),
): Promise<boolean> {
  const late = { afterMs: LOOKUP_DEADLINE_MS, error: () => new Error("The name localhost is not known.") };
  const addresses = await withDeadline(clock, resolve(), late).catch(() => []);
  return addresses.some(({ address }) => address === "127.0.0.1");
}
