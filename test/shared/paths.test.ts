import { join } from "node:path";
import {
  AuthError,
  checkedSocketPath,
  codexHomePath,
  configPath,
  logPath,
  SOCKET_PATH_MAX_BYTES,
  socketPaths,
  stateFolder,
} from "@codex-authd/shared";
import t from "tap";

const HOME = "/home/me";
const INVALID = { name: "AuthError", code: "ERR_CONFIG_INVALID" };

/** An absolute path of `bytes` bytes that ends in `end`. */
function pathOf(bytes: number, end = ""): string {
  return `/${"x".repeat(bytes - 1 - Buffer.byteLength(end))}${end}`;
}

t.test("checkedSocketPath", async (t) => {
  for (const path of ["", "x.sock", "./x.sock", "../x.sock", "~/x.sock"]) {
    t.test(`refuses the relative path "${path}", and says what to give`, async (t) => {
      t.throws(() => checkedSocketPath(path), { ...INVALID, message: /absolute/ });
    });
  }
  t.test("refuses 104 bytes, and says how many there are and what to set", async (t) => {
    t.equal(SOCKET_PATH_MAX_BYTES, 103);
    t.throws(() => checkedSocketPath(pathOf(104)), { ...INVALID, message: /104 bytes.*CODEX_AUTHD_SOCKET/s });
  });
  t.test("takes 103 bytes", async (t) => {
    t.equal(checkedSocketPath(pathOf(103)), pathOf(103));
  });
  for (const end of ["ü", "日", "🔑", "e\u0301"]) {
    t.test(`counts the bytes of "${end}", not its characters`, async (t) => {
      t.equal(checkedSocketPath(pathOf(103, end)), pathOf(103, end));
      t.ok(pathOf(104, end).length <= 103, "as characters it would fit");
      t.throws(() => checkedSocketPath(pathOf(104, end)), INVALID);
    });
  }
});

t.test("socketPaths", async (t) => {
  t.test("refuses a relative or overlong path from any variable", async (t) => {
    t.throws(() => socketPaths({ CODEX_AUTHD_SOCKET: "x.sock", HOME }), INVALID);
    t.throws(() => socketPaths({ CODEX_AUTHD_SOCKET: pathOf(104), HOME }), INVALID);
    t.throws(() => socketPaths({ XDG_RUNTIME_DIR: pathOf(80), HOME }), INVALID);
    t.throws(() => socketPaths({ HOME: "me" }), INVALID);
    t.throws(() => socketPaths({ HOME: pathOf(80) }), INVALID);
  });
  t.test("ignores a relative runtime folder, as the XDG specification says", async (t) => {
    t.same(socketPaths({ XDG_RUNTIME_DIR: "run", HOME }), [`${HOME}/.codex-authd/run/codex-authd.sock`]);
  });
  t.test("refuses an environment without HOME, and says so", async (t) => {
    t.throws(() => socketPaths({}), { ...INVALID, message: /HOME/ });
    t.throws(() => socketPaths({ HOME: "", XDG_RUNTIME_DIR: "", CODEX_AUTHD_SOCKET: "" }), INVALID);
  });
  t.test("is the runtime folder first, then the home folder", async (t) => {
    t.same(socketPaths({ XDG_RUNTIME_DIR: "/run/user/1000", HOME }), [
      "/run/user/1000/codex-authd/codex-authd.sock",
      "/home/me/.codex-authd/run/codex-authd.sock",
    ]);
  });
  t.test("is the home folder alone without a runtime folder, also an empty one", async (t) => {
    const underHome = ["/home/me/.codex-authd/run/codex-authd.sock"];
    t.same(socketPaths({ HOME }), underHome);
    t.same(socketPaths({ HOME, XDG_RUNTIME_DIR: "", CODEX_AUTHD_SOCKET: "" }), underHome);
  });
  t.test("is CODEX_AUTHD_SOCKET alone when set, even without HOME", async (t) => {
    const env = { CODEX_AUTHD_SOCKET: "/tmp/a.sock", XDG_RUNTIME_DIR: "/run/user/1000", HOME };
    t.same(socketPaths(env), ["/tmp/a.sock"]);
    t.same(socketPaths({ CODEX_AUTHD_SOCKET: "/tmp/a.sock" }), ["/tmp/a.sock"]);
  });
  t.test("never answers a path that cannot be bound, whichever place it is from", async (t) => {
    for (const home of ["me", pathOf(90), HOME]) {
      t.same(
        socketPathsOrNone({ XDG_RUNTIME_DIR: "/run/user/1000", HOME: home }).filter(isUnusable),
        [],
        home,
      );
    }
  });
});

t.test("configuration, state and log", async (t) => {
  t.test("refuse an environment without HOME", async (t) => {
    for (const find of [configPath, stateFolder, logPath, codexHomePath]) t.throws(() => find({}), INVALID);
  });
  t.test("are under HOME by default, also with empty variables", async (t) => {
    for (const env of [{ HOME }, { HOME, XDG_CONFIG_HOME: "", XDG_STATE_HOME: "", CODEX_HOME: "" }]) {
      t.equal(configPath(env), "/home/me/.config/codex-authd/config.toml");
      t.equal(stateFolder(env), "/home/me/.local/state/codex-authd");
      t.equal(logPath(env), join(stateFolder(env), "codex-authd.log"));
      t.equal(codexHomePath(env), "/home/me/.codex");
    }
  });
  t.test("follow the XDG variables, which make HOME needless", async (t) => {
    t.equal(configPath({ XDG_CONFIG_HOME: "/c" }), "/c/codex-authd/config.toml");
    t.equal(stateFolder({ XDG_STATE_HOME: "/s" }), "/s/codex-authd");
    t.equal(logPath({ XDG_STATE_HOME: "/s" }), "/s/codex-authd/codex-authd.log");
  });
  t.test("follow CODEX_AUTHD_CONFIG and CODEX_HOME as they are", async (t) => {
    t.equal(configPath({ CODEX_AUTHD_CONFIG: "/etc/a.toml", XDG_CONFIG_HOME: "/c", HOME }), "/etc/a.toml");
    t.equal(codexHomePath({ CODEX_HOME: "/srv/codex", HOME }), "/srv/codex");
  });
});

function socketPathsOrNone(env: Record<string, string>): readonly string[] {
  try {
    return socketPaths(env);
  } catch (error) {
    if (error instanceof AuthError) return [];
    throw error;
  }
}

function isUnusable(path: string): boolean {
  try {
    return checkedSocketPath(path) !== path;
  } catch {
    return true;
  }
}
