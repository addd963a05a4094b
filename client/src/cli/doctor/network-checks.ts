/** How requests leave this machine: CA bundles, proxies, the port of the browser login. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { type Check, type Examination, type Finding, problem, warning } from "./finding.js";

/** The first that is set counts (codex-cli 0.169). */
const CA_VARIABLES = ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"] as const;

const PROXY_VARIABLES = [
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
  "ALL_PROXY",
  "all_proxy",
] as const;

export const networkChecks: Check = async (examination) => [
  ...caFindings(examination),
  ...proxyFindings(examination),
  ...(await portFindings(examination)),
];

function caFindings({ env, cwd }: Examination): Finding[] {
  const name = CA_VARIABLES.find((variable) => env[variable]);
  if (!name) return [];
  const path = resolve(cwd, env[name] ?? "");
  const complaint = caComplaint(path);
  if (!complaint) return [];
  const words = `${name} names ${path}, ${complaint}. Codex sends nothing with it, and a login made here would not either.`;
  return [
    problem("ca-bundle", words, `Name a PEM file with the certificates of your network, or unset ${name}.`),
  ];
}

function caComplaint(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8");
    if (text.trim() === "") return "which is empty";
    return /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text) ? undefined : "which holds no certificate";
  } catch (error) {
    return `which cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** Never the value: it may hold a password. */
function proxyFindings({ env }: Examination): Finding[] {
  return PROXY_VARIABLES.filter((name) => env[name]).flatMap((name) => {
    const value = env[name] ?? "";
    const address = value.includes("://") ? value : `http://${value}`;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (!url?.hostname)
      return [
        problem(
          "proxy-invalid",
          `${name} is no address of a proxy.`,
          `Write it as http://host:port, or unset ${name}.`,
        ),
      ];
    if (/^https?:$/.test(url.protocol)) return [];
    const words = `${name} names a proxy of the kind "${url.protocol.slice(0, -1)}", which cannot be used.`;
    return [problem("proxy-kind", words, "Name an http or https proxy.")];
  });
}

async function portFindings({ client, selector, status }: Examination): Promise<Finding[]> {
  if ((await status()) === null) return [];
  const { ports } = await client.explainLogin(selector);
  const taken = [];
  for (const port of ports) if (!(await isFree(port))) taken.push(port);
  if (taken.length === 0 || taken.length < ports.length) return [];
  const words = `No port is free for the redirect of a browser login (${taken.join(", ")}).`;
  return [
    warning(
      "callback-port",
      words,
      "End the program that holds it (`codex-auth login` names it), or use `codex-auth login --device`.",
    ),
  ];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once("error", () => settle(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => settle(true)));
  });
}
