import type { EpochMs } from "@codex-authd/shared";
import type { NetworkSettings } from "./network-settings.js";
import { type HttpProxy, proxyFor } from "./proxy.js";
import type { Trust, TrustStore } from "./trust.js";

/** Where one request goes, and how. */
export interface Way {
  readonly url: URL;
  readonly proxy: HttpProxy | null;
  readonly trust: Trust;
  /** When it set out. */
  readonly nowMs: EpochMs;
}

export interface Surroundings {
  readonly settings: NetworkSettings;
  readonly trustStore: TrustStore;
  readonly nowMs: EpochMs;
}

/**
 * Finds the way with what the settings name now; nothing is connected.
 * @throws HttpFailure when the proxy or the CA file that they name cannot be used
 */
export function wayTo(url: URL, { settings, trustStore, nowMs }: Surroundings): Way {
  return { url, proxy: proxyFor(url, settings), trust: trustStore.trustIn(settings.caFile), nowMs };
}
