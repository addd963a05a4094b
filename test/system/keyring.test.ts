/**
 * The keyring for real: GNOME Keyring on a bus of its own, and the real Codex on both sides of one entry.
 * Debian packages: dbus, gnome-keyring, libsecret-tools.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AuthError, fingerprint, Redacted, systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createAutoStorage } from "#daemon/storage/auto-storage.js";
import { createFileStorage } from "#daemon/storage/file-storage.js";
import type { Grant, StoredCredential } from "#daemon/storage/grant-storage.js";
import { createSecretService } from "#daemon/storage/keyring/secret-service.js";
import type { SecretStore } from "#daemon/storage/keyring/secret-store.js";
import { createKeyringStorage, keyringAccount } from "#daemon/storage/keyring-storage.js";
import { startAppServer } from "../helpers/app-server.js";
import {
  type AuthorizationServer,
  startAuthorizationServer,
  UPSTREAM_CLIENT_ID,
} from "../helpers/authorization-server.js";
import { createChatGptBackend } from "../helpers/chatgpt-backend.js";
import { type CodexHome, createCodexHome, runCodex } from "../helpers/codex.js";
import { fakeGrant } from "../helpers/grants.js";
import { type KeyringDesktop, startKeyringDesktop } from "../helpers/keyring-desktop.js";
import { until } from "../helpers/until.js";

const ACCOUNT = "cli|0123456789abcdef";

/** The one reason for which Codex stores a login in auth.json although there is a keyring (codex-cli 0.169). */
const KEYRING_REFUSED = /failed to save auth to keyring, falling back to file storage/;

t.test("a program without a session bus is told what to do", async (t) => {
  const secrets = createSecretService(systemClock, {});
  await t.rejects(secrets.load(ACCOUNT), {
    code: "ERR_STORAGE_UNAVAILABLE",
    message: /There is no keyring.*DBUS_SESSION_BUS_ADDRESS.*cli_auth_credentials_store = "file"/,
  });
  await t.rejects(
    createSecretService(systemClock, { XDG_RUNTIME_DIR: "/nowhere" }).load(ACCOUNT),
    /no keyring/,
  );
});

t.test("a bus without a keyring is told from an empty keyring", async (t) => {
  const { secrets, stopKeyring } = await startKeyringDesktop(t);
  t.equal(await secrets.load(ACCOUNT), undefined);
  await stopKeyring();
  await t.rejects(secrets.load(ACCOUNT), { code: "ERR_STORAGE_UNAVAILABLE", message: /There is no keyring/ });
});

t.test("a locked keyring is an error at once, in every direction", async (t) => {
  const { secrets, lock } = await startKeyringDesktop(t);
  await secrets.save(ACCOUNT, "{}");
  await lock();
  const present = { code: "ERR_STORAGE_UNAVAILABLE", message: /Unlock it/, isEntryPresent: true };
  await t.rejects(secrets.load(ACCOUNT), present);
  await t.rejects(secrets.save(ACCOUNT, "{}"), present);
  await t.rejects(secrets.remove(ACCOUNT), present);
  await t.rejects(secrets.checkWritable(ACCOUNT), present);
  const absent = { ...present, isEntryPresent: false };
  t.equal(await secrets.load("another"), undefined);
  await t.rejects(secrets.save("another", "{}"), absent);
  await t.rejects(secrets.checkWritable("another"), absent);
});

t.test("a secret comes back as it went in, whatever its size", async (t) => {
  const { secrets, entries } = await startKeyringDesktop(t);
  await secrets.checkWritable(ACCOUNT);
  for (const secret of ["", "{}", "ä€😀", "x".repeat(100_000)]) {
    await secrets.save(ACCOUNT, secret);
    t.equal(await secrets.load(ACCOUNT), secret, `${secret.length} characters`);
  }
  t.equal((await entries()).filter((line) => line.startsWith("label")).length, 1, "one entry");
  t.equal(await secrets.remove(ACCOUNT), true);
  t.equal(await secrets.remove(ACCOUNT), false);
});

t.test("a login by the real Codex is ours, and what we make of it is Codex's", async (t) => {
  const { issuer, codex, desktop } = await createScene(t, "keyring");
  const storage = createKeyringStorage(codex.path, systemClock, { secrets: desktop.secrets });
  await logInWithCodex(codex, issuer, desktop);
  const before = await desktop.entries();
  const grant = grantOf(await storage.load());
  t.ok(issuer.isAccessTokenValid(grant.accessToken.reveal()));
  t.notOk(existsSync(codex.authFile));

  const rotated = { ...fakeGrant({ accountId: grant.accountId ?? "" }), issuer: issuer.url };
  t.equal(await storage.saveRefreshed(rotated, fingerprint(grant.refreshToken.reveal())), "stored");
  t.same(await desktop.entries(), before, "still the one entry, attribute for attribute");
  t.equal(await ask(codex, desktop, ["login", "status"]), "Logged in using ChatGPT");

  t.equal(await ask(codex, desktop, ["logout"]), "Successfully logged out");
  t.same(await storage.load(), { kind: "absent" });
});

t.test("a login of ours is the real Codex's, which refreshes it in its place", async (t) => {
  const { issuer, codex, desktop } = await createScene(t, "keyring");
  await logInWithCodex(codex, issuer, desktop);
  const upstreams = await desktop.entries();
  await ask(codex, desktop, ["logout"]);

  const storage = createKeyringStorage(codex.path, systemClock, { secrets: desktop.secrets });
  const ours = issuedGrant(issuer);
  await storage.saveLogin(ours);
  t.same(await desktop.entries(), upstreams, "the entry that Codex would have made");
  t.equal(await ask(codex, desktop, ["login", "status"]), "Logged in using ChatGPT");
  await refreshWithCodex(t, codex, desktop);
  t.equal(issuer.exchanges, 1);

  const refreshed = grantOf(await storage.load());
  t.not(refreshed.refreshToken.reveal(), ours.refreshToken.reveal());
  t.equal(
    await storage.saveRefreshed(fakeGrant(), fingerprint(ours.refreshToken.reveal())),
    "superseded",
    "Codex was first",
  );
  t.same(await desktop.entries(), upstreams);
  t.equal(await storage.remove(), true);
  t.equal(await ask(codex, desktop, ["login", "status"]), "Not logged in");
});

t.test("what Codex drops from the entry when it refreshes is put back", async (t) => {
  const { issuer, codex, desktop } = await createScene(t, "keyring");
  await logInWithCodex(codex, issuer, desktop);
  const { secrets } = desktop;
  const account = keyringAccount(codex.path);
  const storage = createKeyringStorage(codex.path, systemClock, { secrets });
  await secrets.save(account, JSON.stringify({ ...(await entryOf(secrets, account)), x_ours: 1 }));
  await storage.load();
  await refreshWithCodex(t, codex, desktop);
  const refreshed = await entryOf(secrets, account);
  t.notOk("x_ours" in refreshed, "Codex dropped it");
  await storage.load();
  t.equal(await storage.putBackFields?.(), true);
  t.same(await entryOf(secrets, account), { ...refreshed, x_ours: 1 });
  t.equal(await ask(codex, desktop, ["login", "status"]), "Logged in using ChatGPT");
});

t.test("auto: both find the other's login, in the keyring and in auth.json", async (t) => {
  const { issuer, codex, desktop } = await createScene(t, "auto");
  const storage = createAutoStorage(codex.path, systemClock, desktop.secrets);
  await logInWithCodex(codex, issuer, desktop);
  t.match(await storage.load(), { kind: "managed" });
  t.match(storage, { kind: "keyring", location: `auto:${keyringAccount(codex.path)}`, warnings: [] });

  await storage.saveLogin(issuedGrant(issuer));
  t.equal(await ask(codex, desktop, ["login", "status"]), "Logged in using ChatGPT");
  await ask(codex, desktop, ["logout"]);
  await desktop.stopKeyring();

  const headless = createAutoStorage(codex.path, systemClock, desktop.secrets);
  t.same(await headless.load(), { kind: "absent" });
  await headless.saveLogin(issuedGrant(issuer));
  t.match(headless, { kind: "file", warnings: [/There is no keyring/] });
  t.equal(await ask(codex, desktop, ["login", "status"]), "Logged in using ChatGPT");
  await logInWithCodex(codex, issuer, desktop);
  t.match(await headless.load(), { kind: "managed" });
  t.equal(await headless.remove(), true);
  t.equal(await ask(codex, desktop, ["login", "status"]), "Not logged in");
});

t.test("auto: a login that Codex moves from auth.json to the keyring is followed", async (t) => {
  const { issuer, codex, desktop } = await createScene(t, "auto");
  const storage = createAutoStorage(codex.path, systemClock, desktop.secrets);
  await createFileStorage(codex.path, systemClock).saveLogin(issuedGrant(issuer));
  t.match(await storage.load(), { kind: "managed" });
  t.equal(storage.kind, "file");
  await until("Codex has moved the login", async () => {
    const said = await refreshWithCodex(t, codex, desktop);
    if (existsSync(codex.authFile)) t.match(said, KEYRING_REFUSED, "Codex left it there, and says why");
    return !existsSync(codex.authFile);
  });
  t.ok(issuer.isAccessTokenValid(grantOf(await storage.load()).accessToken.reveal()));
  t.equal(storage.kind, "keyring");
});

t.test(
  "auto: a login that Codex leaves in auth.json, since the keyring is locked, is followed there",
  async (t) => {
    const { issuer, codex, desktop } = await createScene(t, "auto");
    const storage = createAutoStorage(codex.path, systemClock, desktop.secrets);
    await createFileStorage(codex.path, systemClock).saveLogin(issuedGrant(issuer));
    await desktop.lock();
    t.match(await refreshWithCodex(t, codex, desktop), KEYRING_REFUSED);
    t.ok(issuer.isAccessTokenValid(grantOf(await storage.load()).accessToken.reveal()));
    t.equal(issuer.exchanges, 1);
    t.equal(storage.kind, "file");
  },
);

async function createScene(t: Test, store: "keyring" | "auto") {
  const desktop = await startKeyringDesktop(t);
  const issuer = await startAuthorizationServer(t);
  const backend = await createChatGptBackend({ isAccessTokenValid: () => true });
  t.teardown(() => backend.close());
  const codex = await createCodexHome({ backend, issuer: issuer.url });
  t.teardown(() => codex.close());
  const config = join(codex.path, "config.toml");
  const credentialsStore = /^cli_auth_credentials_store = .*$/m;
  writeFileSync(
    config,
    readFileSync(config, "utf8").replace(credentialsStore, `cli_auth_credentials_store = "${store}"`),
  );
  return { desktop, issuer, codex };
}

async function logInWithCodex(
  home: CodexHome,
  issuer: AuthorizationServer,
  { env }: KeyringDesktop,
): Promise<void> {
  issuer.scriptDevicePolls([200]);
  const args = ["login", "--device-auth", "--experimental_issuer", issuer.url];
  const { code, stderr } = await runCodex(args, { home, env });
  if (code !== 0) throw new Error(`codex login failed:\n${stderr}`);
}

/** Answers what Codex wrote to stderr meanwhile: its own answer is the same when it could not store what it got. */
async function refreshWithCodex(t: Test, home: CodexHome, { env }: KeyringDesktop): Promise<string> {
  const appServer = startAppServer({ home, env: { ...env, RUST_LOG: "codex_login=warn" } });
  t.teardown(() => appServer.close());
  await appServer.initialize();
  await appServer.request("account/read", { refreshToken: true });
  await appServer.close();
  return appServer.stderr;
}

async function ask(home: CodexHome, { env }: KeyringDesktop, args: readonly string[]): Promise<string> {
  return (await runCodex(args, { home, env })).stderr.trim();
}

async function entryOf(secrets: SecretStore, account: string): Promise<Record<string, unknown>> {
  return JSON.parse((await secrets.load(account)) ?? "");
}

function grantOf(stored: StoredCredential): Grant {
  if (stored.kind !== "managed")
    throw new AuthError("ERR_NOT_MANAGED", `There is no login but ${stored.kind}.`);
  return stored.grant;
}

/** A login that `issuer` knows. */
function issuedGrant(issuer: AuthorizationServer): Grant {
  const tokens = issuer.issueTokens();
  const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString());
  return {
    idToken: new Redacted(tokens.id_token),
    accessToken: new Redacted(tokens.access_token),
    refreshToken: new Redacted(tokens.refresh_token),
    accountId: claims["https://api.openai.com/auth"].chatgpt_account_id,
    issuer: issuer.url,
    clientId: UPSTREAM_CLIENT_ID,
    lastRefreshAtMs: Date.now(),
  };
}
