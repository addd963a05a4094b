import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Teardown } from "./daemon-place.js";

/** Somebody on a port of 127.0.0.1. */
export interface PortOccupant {
  readonly port: number;
  /** Everything that was sent to it, one text for each connection. */
  readonly received: string[];
  /** Gives the port back. */
  leave(): void;
}

export interface OccupantOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Called after each piece that arrives on a connection, with all of that connection so far. Default: hangs up. */
  readonly onText?: (socket: Socket, text: string, occupant: PortOccupant) => void;
}

/** What a starting codex-cli 0.169 sends to whatever listens on its port, verbatim but for the port. */
export const cancelOfCodex = (port: number): string =>
  `GET /cancel HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;

/** Holds a port until the test is over or it leaves. */
export async function occupyPort(t: Teardown, options: OccupantOptions = {}): Promise<PortOccupant> {
  const { onText = (socket) => socket.end(), port = 0 } = options;
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const at = received.push("") - 1;
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      received[at] += chunk;
      onText(socket, received[at] ?? "", occupant);
    });
  });
  server.listen({ host: "127.0.0.1", port, exclusive: true });
  await once(server, "listening");
  const leave = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(leave);
  const occupant = { port: (server.address() as AddressInfo).port, received, leave };
  return occupant;
}

/** The login of a Codex CLI, as far as its port goes: the `/cancel` of a newer one ends it, and nothing else does. */
export function occupyAsCodexLogin(t: Teardown, port = 0): Promise<PortOccupant> {
  return occupyPort(t, {
    port,
    onText(socket, text, { port, leave }) {
      if (!text.endsWith("\r\n\r\n")) return;
      const isCancel = text === cancelOfCodex(port);
      const [status, body] = isCancel ? ["200 OK", "Login cancelled"] : ["404 Not Found", "Not Found"];
      const answer = `HTTP/1.1 ${status}\r\nServer: tiny-http (Rust)\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      socket.end(answer, isCancel ? leave : undefined);
    },
  });
}
