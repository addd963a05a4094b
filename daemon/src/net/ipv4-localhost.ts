import { lookup } from "node:dns/promises";

/**
 * True when the name `localhost` leads to 127.0.0.1 here, where the loopback redirect listens. Where it is IPv6 only, a
 * browser that follows the name would find nobody.
 * @param resolve default: the system's resolver, hosts file included
 */
export async function hasIPv4Localhost(resolve = () => lookup("localhost", { all: true })): Promise<boolean> {
  const addresses = await resolve().catch(() => []);
  return addresses.some(({ address }) => address === "127.0.0.1");
}
