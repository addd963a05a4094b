/** The issuer under its real name, for tests that run in a network where auth.openai.com is 127.0.0.1. */
import { spawn } from "node:child_process";
import type { Test } from "tap";
import { type AuthorizationServer, startAuthorizationServer } from "./authorization-server.js";
import { type CodexHome, codexBinary, codexEnvironment, createCodexHome } from "./codex.js";
import { type Daemon, startDaemon } from "./daemon.js";
import { temporaryFolder } from "./temp-folder.js";
import { createTlsCertificate, type TlsCertificate } from "./tls-certificate.js";
import { until } from "./until.js";

export const ISSUER = "https://auth.openai.com";

export interface InstalledScene {
  readonly certificate: TlsCertificate;
  readonly issuer: AuthorizationServer;
  readonly codex: CodexHome;
}

/** A `codex login` that waits for its browser. */
export interface CodexLogin {
  readonly authorizationUrl: string;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Nothing of what else leads a Codex to a test's issuer: here the real name does. */
const AS_INSTALLED = {
  HTTP_PROXY: undefined,
  HTTPS_PROXY: undefined,
  ALL_PROXY: undefined,
  CODEX_APP_SERVER_LOGIN_ISSUER: undefined,
  CODEX_REFRESH_TOKEN_URL_OVERRIDE: undefined,
  CODEX_REVOKE_TOKEN_URL_OVERRIDE: undefined,
};

export async function createInstalledScene(t: Test): Promise<InstalledScene> {
  const certificate = createTlsCertificate(new URL(ISSUER).hostname, temporaryFolder(t));
  const issuer = await startAuthorizationServer(t, { port: 443, tls: certificate });
  const codex = await createCodexHome({ backend: { baseUrl: ISSUER } });
  t.teardown(() => codex.close());
  return { certificate, issuer, codex };
}

/** Starts the real `codex login` and waits until it shows its address. */
export async function startCodexLogin(t: Test, { codex, certificate }: InstalledScene): Promise<CodexLogin> {
  const env = { ...codexEnvironment(codex), ...AS_INSTALLED, CODEX_CA_CERTIFICATE: certificate.caFile };
  const child = spawn(codexBinary, ["login"], { cwd: codex.path, env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, stderr }));
  });
  t.teardown(() => {
    child.kill("SIGKILL");
    return ended; // Until then it holds its port.
  });
  const address = (): string | undefined => /https:\/\/\S+\/oauth\/authorize\?\S+(?=\s)/.exec(stderr)?.[0];
  await until("codex login shows an address", () => address() !== undefined || child.exitCode !== null);
  return { authorizationUrl: address() ?? "", ended };
}

/** Our daemon as a person has it who was told of the network's own authority. */
export function startInstalledDaemon(
  t: Test,
  { issuer, codex, certificate }: InstalledScene,
  callbackPort = 0,
): Promise<Daemon> {
  const env = { CODEX_HOME: codex.path, NODE_OPTIONS: undefined };
  const config = { issuer: ISSUER, callback_port: callbackPort, ca_certificate_file: certificate.caFile };
  return startDaemon(t, { issuer, config, env });
}
