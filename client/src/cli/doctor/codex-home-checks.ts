/** The Codex home and the auth.json in it, by what the file system says of them; what is in the file is the daemon's to read. */
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  readdirSync,
  realpathSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isProcessAlive } from "../../process-alive.js";
import { type Check, type Examination, type Finding, problem, warning } from "./finding.js";

/** Any permission for the group or for others. */
const FOREIGN_PERMISSIONS = 0o077;

/** A login is some kilobytes; a disk with less than this is about to be full for everybody. */
const FREE_MIN_BYTES = 1024 * 1024;

/** As the daemon names its temporary files; see `writeDurably`. */
const TEMPORARY = /^\.auth-(\d+)-[0-9a-f]{12}$/;

export const codexHomeChecks: Check = (examination) => {
  const { codexHome, env } = examination;
  const stats = statSync(codexHome, { throwIfNoEntry: false });
  if (!stats) return env.CODEX_HOME ? [missing(codexHome)] : [];
  if (!stats.isDirectory()) return [notAFolder(codexHome)];
  return [...folderFindings(examination, stats), ...fileFindings(examination), ...leftovers(codexHome)];
};

function folderFindings({ codexHome, uid }: Examination, stats: Stats): Finding[] {
  if (stats.uid !== uid) {
    const words = `${codexHome} belongs to another user (uid ${stats.uid}), so nothing of yours can be kept there.`;
    return [
      problem(
        "codex-home-foreign",
        words,
        `Run \`sudo chown ${uid} ${codexHome}\`, or set CODEX_HOME to a folder of yours.`,
      ),
    ];
  }
  return [...unwritable(codexHome), ...full(codexHome), ...openFolder(codexHome, stats)];
}

function unwritable(codexHome: string): Finding[] {
  try {
    accessSync(codexHome, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const isReadOnly = (error as NodeJS.ErrnoException).code === "EROFS";
    const why = isReadOnly ? "its file system is read-only" : "its permissions do not let you";
    const cure = isReadOnly
      ? "Remount it, or set CODEX_HOME to another folder."
      : `Run \`chmod u+rwx ${codexHome}\`.`;
    return [
      problem(
        "codex-home-unwritable",
        `Nothing can be written to ${codexHome}: ${why}. A refreshed token would be lost with the daemon.`,
        cure,
      ),
    ];
  }
}

function full(codexHome: string): Finding[] {
  const { bavail, bsize } = statfsSync(codexHome);
  if (bavail * bsize >= FREE_MIN_BYTES) return [];
  return [
    problem(
      "disk-full",
      `The disk of ${codexHome} is full, so a refreshed token cannot be stored.`,
      "Free some space; the write is retried.",
    ),
  ];
}

function openFolder(codexHome: string, { mode }: Stats): Finding[] {
  if ((mode & 0o022) === 0) return [];
  const words = `Others can write to ${codexHome} (mode ${octal(mode)}), and could put their own login there.`;
  return [
    problem("codex-home-open", words, `Run \`chmod go-w ${codexHome}\`.`, () =>
      chmodSync(codexHome, mode & 0o755),
    ),
  ];
}

function fileFindings({ codexHome, uid }: Examination): Finding[] {
  const path = join(codexHome, "auth.json");
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (!link) return [];
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) {
    return [
      problem("auth-json-dangling", `${path} is a link to nothing.`, "Mend or remove the link, then log in."),
    ];
  }
  if (!stats.isFile()) {
    return [
      problem("auth-json-not-a-file", `${path} is there and is no file.`, "Move it away, then log in."),
    ];
  }
  return [
    ...foreignFile(path, stats, uid),
    ...hardLinked(path, stats),
    ...openFile(path, stats),
    ...unwritableTarget(path),
  ];
}

function foreignFile(path: string, stats: Stats, uid: number): Finding[] {
  if (stats.uid === uid) return [];
  const words = `${path} belongs to another user (uid ${stats.uid}); it is not refreshed.`;
  return [problem("auth-json-foreign", words, `Run \`sudo chown ${uid} ${path}\`.`)];
}

function hardLinked(path: string, { nlink }: Stats): Finding[] {
  if (nlink === 1) return [];
  const words = `${path} has ${nlink} hard links. Codex loses the login at its next refresh of such a file (codex-cli 0.169).`;
  return [problem("auth-json-hard-links", words, "Remove the other names; a symbolic link is fine.")];
}

function openFile(path: string, { mode }: Stats): Finding[] {
  if ((mode & FOREIGN_PERMISSIONS) === 0) return [];
  const words = `Others can read ${path} (mode ${octal(mode)}), and with it the login.`;
  return [problem("auth-json-open", words, `Run \`chmod 600 ${path}\`.`, () => chmodSync(path, 0o600))];
}

/** Behind a link, the folder that matters is another one. */
function unwritableTarget(path: string): Finding[] {
  const real = realpathSync(path);
  if (real === path) return [];
  try {
    accessSync(dirname(real), constants.W_OK | constants.X_OK);
    return [];
  } catch {
    const words = `auth.json is a link to ${real}, whose folder cannot be written to.`;
    return [problem("auth-json-target-unwritable", words, `Run \`chmod u+rwx ${dirname(real)}\`.`)];
  }
}

function leftovers(codexHome: string): Finding[] {
  const left = readdirSync(codexHome).filter((name) => {
    const pid = TEMPORARY.exec(name)?.[1];
    return pid !== undefined && !isProcessAlive(Number(pid));
  });
  if (left.length === 0) return [];
  const paths = left.map((name) => join(codexHome, name));
  const words = `A writer that was killed left ${left.join(", ")} in ${codexHome}, with tokens in it.`;
  return [
    warning("leftover-files", words, `Remove it: \`rm ${paths.join(" ")}\`.`, () => {
      for (const path of paths) rmSync(path);
    }),
  ];
}

function missing(codexHome: string): Finding {
  const words = `CODEX_HOME points to ${codexHome}, which does not exist. Codex does not start with it.`;
  return problem("codex-home-missing", words, `Run \`mkdir -m 700 ${codexHome}\`, or unset CODEX_HOME.`);
}

function notAFolder(codexHome: string): Finding {
  return problem(
    "codex-home-not-a-folder",
    `${codexHome} is not a folder.`,
    "Set CODEX_HOME to a folder, or unset it.",
  );
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
