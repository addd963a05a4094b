import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { AuthError } from "@codex-authd/shared";

/** Any permission for the group or for others. */
const FOREIGN_PERMISSIONS = 0o077;

/**
 * Makes sure that the socket's folder is one that only we can enter: creates it with mode 0700, or checks the one that
 * is there. What is wrong is said, never mended: a folder that others own or use is not ours to change.
 * @throws AuthError ERR_CONFIG_INVALID when it is a link, no folder, not ours, or open to others
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when it cannot be created or looked at
 */
export function prepareSocketFolder(path: string): void {
  const complaint = complaintAbout(statOf(path));
  if (complaint === undefined) return;
  throw new AuthError("ERR_CONFIG_INVALID", `The socket's folder ${path} ${complaint}`);
}

function statOf(path: string): Stats {
  try {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there) return there;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return lstatSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AuthError(
      "ERR_STORAGE_UNAVAILABLE",
      `The socket's folder ${path} cannot be created (${code}). Create it, or set \`socket\` to another place.`,
      { cause },
    );
  }
}

function complaintAbout(stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return "is a link. Set `socket` to a path in the real folder.";
  if (!stats.isDirectory()) return "is not a folder. Move it away, or set `socket` to another place.";
  if (stats.uid !== process.geteuid?.())
    return `belongs to uid ${stats.uid}. Set \`socket\` to a folder of your own.`;
  if ((stats.mode & FOREIGN_PERMISSIONS) === 0) return undefined;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
  return `is open to others (mode ${mode}). Run \`chmod 700\` on it, or set \`socket\` to a folder of its own.`;
}
