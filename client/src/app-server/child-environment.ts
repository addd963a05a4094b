import type { Environment, SessionStatus } from "@codex-authd/shared";

/** The first of these that is set names the bundle of every HTTPS request of Codex (codex-cli 0.169). */
const CA_VARIABLES = ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"] as const;

/** The environment of a child that works under `session`: with the session's CA, where it names none of its own. */
export function childEnvironment(env: Environment, { network }: SessionStatus): Environment {
  const { caCertificateFile } = network;
  if (caCertificateFile === null || CA_VARIABLES.some((name) => env[name])) return env;
  return { ...env, CODEX_CA_CERTIFICATE: caCertificateFile };
}
