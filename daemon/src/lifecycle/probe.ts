import { connect } from "node:net";
import { AuthError } from "@codex-authd/shared";

/** What is at a socket's path: nobody, somebody who accepts, or a socket that its process left behind. */
export type Occupant = "nobody" | "somebody" | "stale";

/**
 * Connects to the socket at `path` and hangs up at once. A socket that takes no connection right now (its backlog is
 * full, say) counts as `somebody`: only a refused connection proves that nobody is behind it.
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when the system says neither, as for a socket of another kind or owner
 */
export function probeSocket(path: string): Promise<Occupant> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve("somebody");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve("nobody");
      else if (error.code === "ECONNREFUSED") resolve("stale");
      else if (error.code === "EAGAIN") resolve("somebody");
      else reject(unclear(path, error));
    });
  });
}

function unclear(path: string, cause: NodeJS.ErrnoException): AuthError {
  const words = `It cannot be told who listens on ${path} (${cause.code}). Remove it, or set \`socket\` to another path.`;
  return new AuthError("ERR_STORAGE_UNAVAILABLE", words, { cause });
}
