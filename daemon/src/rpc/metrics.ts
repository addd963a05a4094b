import type { FastifyInstance } from "fastify";

/** The Prometheus text format, as `promtool` and every scraper know it. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** `GET /metrics`: what the daemon counted, for whoever may call it anyway. */
export function addMetricsRoute(app: FastifyInstance, render: () => string): void {
  app.get("/metrics", (_request, reply) => reply.type(METRICS_TYPE).send(render()));
}
