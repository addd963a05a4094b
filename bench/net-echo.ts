/** The least that Node can do: a line of JSON in, a line of JSON out, on a Unix-domain socket. */
import { createServer } from "node:net";
import { onLine } from "./lines.js";

const [socketPath = "", answer = ""] = process.argv.slice(2);
const body = JSON.parse(answer);

const server = createServer((socket) => {
  onLine(socket, (line) => {
    const { id } = JSON.parse(line);
    socket.write(`${JSON.stringify({ ...body, id })}\n`);
  });
});
server.listen(socketPath);
