/** The yardstick for the daemon: bare Fastify on a Unix-domain socket, which answers every call with the same object. */
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@codex-authd/shared";
import { fastify } from "fastify";

const [socketPath = "", answer = ""] = process.argv.slice(2);
const body = JSON.parse(answer);

const app = fastify();
app.post("/v1/rpc", (_request, reply) => reply.header(PROTOCOL_HEADER, PROTOCOL_VERSION).send(body));
await app.listen({ path: socketPath });
