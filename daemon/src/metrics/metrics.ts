/**
 * What the daemon counts and measures, for `GET /metrics`. No secret, and no label that grows: sessions are counted by
 * state, never named. docs/observability.md explains each, and a test holds it to this list.
 */
import { createCounter, createGauge, createHistogram, type Labels } from "./instruments.js";
import { createEventLoopLag, descriptorLimit, openDescriptors } from "./process-facts.js";

/** What every layer tells what it did. */
export interface Metrics {
  /** A call begins; the returned function is called when it was answered, with `ok` or the code of the error. */
  callBegan(method: string): (result: string) => void;
  /** An exchange begins; the returned function is called with its ending. */
  exchangeBegan(): (result: ExchangeResult) => void;
  sessionChanged(cause: string): void;
}

export type ExchangeResult = (typeof EXCHANGE_RESULTS)[number];

const EXCHANGE_RESULTS = ["refreshed", "refused", "transient", "ambiguous"] as const;
const SESSION_STATES = ["signedOut", "active", "reauthorizationRequired"] as const;

/** What is looked up when somebody asks. */
export interface SessionFacts {
  readonly state: (typeof SESSION_STATES)[number];
  /** Its newest token is in memory only, for its write failed. */
  readonly isUnsaved: boolean;
  /** Callers who wait for its exchange. */
  readonly waiters: number;
}

export interface MetricsOptions {
  readonly version: string;
  readonly sessions: () => readonly SessionFacts[];
  /** Milliseconds that no setting of a clock moves. */
  readonly monotonicMs?: () => number;
}

export interface RenderedMetrics extends Metrics {
  /** All of it in the Prometheus text format. */
  render(): string;
}

/** A call is answered from memory in well under a millisecond, or waits for an exchange, up to 8 s; a login up to 60 s. */
const CALL_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 8, 60];
/** An exchange is cut off after 45 s. */
const EXCHANGE_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45];

export function createMetrics(options: MetricsOptions): RenderedMetrics {
  const { version, sessions, monotonicMs = () => performance.now() } = options;
  const counted = createCounted();
  const gauges = [...createSessionGauges(sessions), ...createProcessGauges(version)];
  const secondsSince = (startedMs: number): number => (monotonicMs() - startedMs) / 1_000;
  return {
    callBegan(method) {
      const startedMs = monotonicMs();
      return (result) => {
        counted.calls.add({ method, result });
        counted.callSeconds.observe({ method }, secondsSince(startedMs));
      };
    },
    exchangeBegan() {
      const startedMs = monotonicMs();
      return (result) => {
        counted.exchanges.add({ result });
        counted.exchangeSeconds.observe({}, secondsSince(startedMs));
      };
    },
    sessionChanged: (cause) => counted.changes.add({ cause }),
    render: () => [...gauges, ...Object.values(counted)].map((instrument) => instrument.render()).join(""),
  };
}

function createCounted() {
  return {
    exchanges: createCounter(
      {
        name: "codex_authd_exchanges_total",
        help: "Refresh tokens presented to the issuer, by what came of it.",
      },
      EXCHANGE_RESULTS.map((result) => ({ result })),
    ),
    exchangeSeconds: createHistogram(
      {
        name: "codex_authd_exchange_duration_seconds",
        help: "How long the issuer took to answer an exchange.",
      },
      EXCHANGE_SECONDS,
    ),
    changes: createCounter(
      {
        name: "codex_authd_session_changes_total",
        help: "Changes of sessions by cause; adoption is a login or token that another process wrote.",
      },
      [{ cause: "adoption" }, { cause: "refresh" }],
    ),
    calls: createCounter(
      {
        name: "codex_authd_calls_total",
        help: "Calls answered, by method and by ok or the code of the error; token/get is a token request.",
      },
      [{ method: "token/get", result: "ok" }],
    ),
    callSeconds: createHistogram(
      {
        name: "codex_authd_call_duration_seconds",
        help: "How long callers waited for an answer, by method.",
      },
      CALL_SECONDS,
    ),
  };
}

function createSessionGauges(sessions: MetricsOptions["sessions"]) {
  const inState = (state: string): number => sessions().filter((session) => session.state === state).length;
  return [
    createGauge({ name: "codex_authd_sessions", help: "Sessions that are open, by state." }, () =>
      SESSION_STATES.map((state) => [{ state }, inState(state)]),
    ),
    createGauge(
      {
        name: "codex_authd_unsaved_sessions",
        help: "Sessions whose newest token is in memory only, because it cannot be written.",
      },
      () => alone(sessions().filter(({ isUnsaved }) => isUnsaved).length),
    ),
    createGauge({ name: "codex_authd_waiters", help: "Callers who are waiting for an exchange." }, () =>
      alone(sessions().reduce((sum, { waiters }) => sum + waiters, 0)),
    ),
  ];
}

function createProcessGauges(version: string) {
  const lag = createEventLoopLag();
  return [
    createGauge(
      { name: "codex_authd_build_info", help: "1, with the version of the daemon as a label." },
      () => [[{ version }, 1]],
    ),
    createGauge(
      {
        name: "codex_authd_event_loop_lag_seconds",
        help: "How late the event loop was since the last scrape: 99th percentile and maximum.",
      },
      () => Object.entries(lag.read()).map(([statistic, seconds]) => [{ statistic }, seconds]),
    ),
    createGauge({ name: "codex_authd_open_fds", help: "File descriptors that are open." }, () =>
      alone(openDescriptors()),
    ),
    createGauge(
      { name: "codex_authd_max_fds", help: "Soft limit on open file descriptors; Linux only." },
      () => alone(descriptorLimit()),
    ),
  ];
}

/** The value of a metric without labels; none where it is not known. */
function alone(value: number | undefined): readonly (readonly [Labels, number])[] {
  return value === undefined ? [] : [[{}, value]];
}
