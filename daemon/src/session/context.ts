import type { Clock } from "@codex-authd/shared";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics/metrics.js";
import type { HttpClient } from "../net/http.js";
import type { NetworkSettings } from "../net/network-settings.js";
import type { ExchangeOutcome } from "./exchange.js";
import type { Flights } from "./flights.js";
import type { Generations } from "./generations.js";
import type { Successors } from "./successors.js";

/** What the owner decided about issuers, OAuth clients and the way to them; no caller can change any of it. */
export interface IssuerSettings {
  readonly issuer: string;
  /** Further issuers that an auth.json may name in its `oauth_provenance`. */
  readonly trustedIssuers: readonly string[];
  readonly clientId: string;
  readonly originator: string;
  readonly userAgent: string;
  /** Wins over what a login was bound to. */
  readonly network: NetworkSettings;
}

/** What all sessions of a daemon share. */
export interface SessionContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly http: HttpClient;
  readonly settings: IssuerSettings;
  readonly flights: Flights<ExchangeOutcome>;
  readonly successors: Successors;
  readonly generations: Generations;
  /** In [0, 1). */
  readonly random: () => number;
}
