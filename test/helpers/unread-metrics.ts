import { createMetrics, type RenderedMetrics } from "#daemon/metrics/metrics.js";

/** Metrics of a daemon without sessions. */
export function unreadMetrics(): RenderedMetrics {
  return createMetrics({ version: "1.2.3", sessions: () => [] });
}
