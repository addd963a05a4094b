/** The program that everything runs in. */
import type { Check } from "./finding.js";
import { problem, warning } from "./finding.js";

/** Lowest version that is supported. */
const NODE_FLOOR = [20, 19] as const;

export const nodeChecks: Check = ({ env }) => [...oldNode(process.versions.node), ...slowStart(env)];

/** @param version such as `20.19.0` */
export function oldNode(version: string) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor < NODE_FLOOR[1]);
  if (!isOld) return [];
  const words = `Node ${version} is older than ${NODE_FLOOR.join(".")}, and things will break in it.`;
  return [problem("node-too-old", words, "Install Node 22 or 24.")];
}

function slowStart({ NODE_EXTRA_CA_CERTS, NODE_OPTIONS }: Parameters<Check>[0]["env"]) {
  if (NODE_OPTIONS && /--inspect/.test(NODE_OPTIONS)) {
    const words =
      "NODE_OPTIONS opens Node's debugger in every command, whose memory then holds tokens for anybody on this machine.";
    return [problem("node-inspector", words, "Take --inspect out of NODE_OPTIONS.")];
  }
  if (!NODE_EXTRA_CA_CERTS) return [];
  const words =
    "NODE_EXTRA_CA_CERTS is set. It counts for nothing here, and makes each command on Node 20 slower.";
  return [
    warning(
      "node-extra-ca-certs",
      words,
      "Name the file in CODEX_CA_CERTIFICATE, or in `ca_certificate_file` of config.toml.",
    ),
  ];
}
