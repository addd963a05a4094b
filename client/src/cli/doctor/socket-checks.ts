/** Where the daemon listens, and what must survive it. */
import { chmodSync, lstatSync, rmSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { isListening } from "../../autostart.js";
import { type Check, type Examination, type Finding, problem, warning } from "./finding.js";

const FOREIGN_PERMISSIONS = 0o077;

export const socketChecks: Check = async (examination) => {
  const [socket = ""] = examination.sockets;
  return [
    ...folderFindings("socket", dirname(socket), examination),
    ...(await socketFindings(socket)),
    ...(await secondDaemon(examination.sockets)),
    ...folderFindings("state", examination.stateFolder, examination),
    ...folderFindings("state", join(examination.stateFolder, "sessions"), examination),
  ];
};

function folderFindings(name: "socket" | "state", path: string, { uid }: Examination): Finding[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return [];
  const effect = name === "socket" ? "the daemon does not start" : "no login is refreshed";
  if (stats.isSymbolicLink() && name === "socket") {
    return [
      problem(
        "socket-folder-link",
        `The socket's folder ${path} is a link, so ${effect}.`,
        "Put a real folder there.",
      ),
    ];
  }
  if (!stats.isDirectory() && !stats.isSymbolicLink()) {
    return [
      problem(`${name}-folder-not-a-folder`, `${path} is not a folder, so ${effect}.`, "Move it away."),
    ];
  }
  if (stats.uid !== uid) {
    const words = `${path} belongs to another user (uid ${stats.uid}), so ${effect}.`;
    return [problem(`${name}-folder-foreign`, words, `Run \`sudo chown -R ${uid} ${path}\`.`)];
  }
  return openFolder(name, path, stats);
}

function openFolder(name: "socket" | "state", path: string, { mode }: Stats): Finding[] {
  if ((mode & FOREIGN_PERMISSIONS) === 0) return [];
  const words = `Others can enter ${path}${name === "socket" ? ", so the daemon does not start" : ""}.`;
  return [problem(`${name}-folder-open`, words, `Run \`chmod 700 ${path}\`.`, () => chmodSync(path, 0o700))];
}

async function socketFindings(socket: string): Promise<Finding[]> {
  const stats = lstatSync(socket, { throwIfNoEntry: false });
  if (!stats) return [];
  if (!stats.isSocket()) {
    return [
      problem(
        "socket-not-a-socket",
        `${socket} is not a socket, so the daemon does not start.`,
        "Move it away.",
      ),
    ];
  }
  if (await isListening(socket)) return [];
  const words = `${socket} is left over from a daemon that is gone. The next one removes it by itself.`;
  return [
    warning("socket-stale", words, `Run \`codex-auth daemon start\`, or \`rm ${socket}\`.`, () =>
      rmSync(socket),
    ),
  ];
}

/** Two daemons were started with different environments, and callers find one or the other. */
async function secondDaemon(sockets: readonly string[]): Promise<Finding[]> {
  const listening = [];
  for (const socket of sockets) if (await isListening(socket)) listening.push(socket);
  if (listening.length < 2) return [];
  const words = `Two daemons listen: on ${listening.join(" and on ")}. Only one of them refreshes, and memory logins are in one alone.`;
  return [
    problem("two-daemons", words, `Stop the second: \`codex-auth daemon stop --socket ${listening[1]}\`.`),
  ];
}
