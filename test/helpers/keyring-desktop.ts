import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { systemClock } from "@codex-authd/shared";
import { createSecretService } from "#daemon/storage/keyring/secret-service.js";
import type { SecretStore } from "#daemon/storage/keyring/secret-store.js";
import { temporaryFolder } from "./temp-folder.js";
import { until } from "./until.js";

const run = promisify(execFile);

/** The keyring that a login to the desktop unlocks, under the name that GNOME Keyring gives it. */
const LOGIN_KEYRING = "/org/freedesktop/secrets/collection/login";

/** A session bus of its own, with a real GNOME Keyring on it. */
export interface KeyringDesktop {
  /** What a program needs to find it; the rest of its environment is the caller's. */
  readonly env: { readonly DBUS_SESSION_BUS_ADDRESS: string; readonly XDG_RUNTIME_DIR: string };
  /** The store under test, on this bus. */
  readonly secrets: SecretStore;
  /** Every entry of Codex as libsecret's own tool shows it, without secret and times. */
  entries(): Promise<string[]>;
  /** Locks the keyring, as leaving the desktop does. */
  lock(): Promise<void>;
  /** Ends the keyring's process; the bus stays. */
  stopKeyring(): Promise<void>;
}

interface Teardown {
  teardown(end: () => unknown): void;
}

/** Starts both, with an unlocked and empty keyring. */
export async function startKeyringDesktop(t: Teardown): Promise<KeyringDesktop> {
  const folder = temporaryFolder(t);
  const env = { XDG_RUNTIME_DIR: folder, DBUS_SESSION_BUS_ADDRESS: await startBus(t, folder) };
  const keyring = startKeyring(t, folder, env);
  const secrets = createSecretService(systemClock, env);
  await until("the keyring is unlocked", () =>
    secrets.checkWritable("none").then(
      () => true,
      () => false,
    ),
  );
  const tool = (program: string, args: readonly string[]) =>
    run(program, args, { env: { PATH: process.env.PATH, HOME: folder, ...env } });
  return {
    env,
    secrets,
    async entries() {
      // It writes the attributes to stderr. The schema is left out: the keyring adds its own when it reads its file again.
      const { stdout, stderr } = await tool("secret-tool", ["search", "--all", "service", "Codex Auth"]);
      return `${stdout}${stderr}`.split("\n").filter((line) => /^(?:label|attribute\.\w+) = /.test(line));
    },
    async lock() {
      const service = ["--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"];
      const method = ["org.freedesktop.Secret.Service.Lock", `array:objpath:${LOGIN_KEYRING}`];
      await tool("dbus-send", ["--session", "--print-reply", ...service, ...method]);
    },
    stopKeyring: () => end(keyring),
  };
}

/** A bus that starts nothing by itself: no second keyring, no dialog. */
async function startBus(t: Teardown, folder: string): Promise<string> {
  const config = join(folder, "bus.conf");
  writeFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
      "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
    <busconfig>
      <type>session</type>
      <listen>unix:path=${join(folder, "bus")}</listen>
      <auth>EXTERNAL</auth>
      <policy context="default">
        <allow send_destination="*"/>
        <allow receive_sender="*"/>
        <allow own="*"/>
      </policy>
    </busconfig>`,
  );
  const bus = spawn("dbus-daemon", [`--config-file=${config}`, "--nofork", "--print-address"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.teardown(() => end(bus));
  const [address] = await once(createInterface({ input: bus.stdout }), "line");
  return String(address);
}

function startKeyring(t: Teardown, folder: string, env: NodeJS.ProcessEnv): ChildProcess {
  const data = join(folder, "data");
  mkdirSync(data);
  const keyring = spawn("gnome-keyring-daemon", ["--foreground", "--unlock", "--components=secrets"], {
    env: { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: data, ...env },
    stdio: ["pipe", "ignore", "ignore"],
  });
  keyring.stdin.end("password");
  t.teardown(() => end(keyring));
  return keyring;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  child.kill();
  await ended;
}
