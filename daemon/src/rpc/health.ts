import type { FastifyInstance } from "fastify";
import { JSON_TYPE } from "./answers.js";

/** `GET /healthz`: 200 for as long as the event loop turns. */
export function addHealthRoute(app: FastifyInstance, version: string): void {
  const body = `${JSON.stringify({ status: "ok", version })}\n`;
  app.get("/healthz", (_request, reply) => reply.type(JSON_TYPE).send(body));
}
