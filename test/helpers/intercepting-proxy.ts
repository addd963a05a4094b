import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { temporaryFolder } from "./temp-folder.js";
import { until } from "./until.js";

/** mitmproxy, which opens TLS and signs what it shows with an authority of its own. */
export interface InterceptingProxy {
  readonly url: string;
  /** Certificate of its authority. */
  readonly caFile: string;
  /** `METHOD URL` of every request that it read. */
  requests(): string[];
}

/** Starts mitmproxy (8, Debian 12) for the length of a test. `upstreamCaFile`: whom it trusts itself. */
export async function startInterceptingProxy(
  t: { teardown(end: () => unknown): void },
  upstreamCaFile: string,
): Promise<InterceptingProxy> {
  const folder = temporaryFolder(t);
  const settings = [`confdir=${folder}`, `ssl_verify_upstream_trusted_ca=${upstreamCaFile}`];
  const listening = ["--listen-host", "127.0.0.1", "--listen-port", "0"];
  const child = spawn("mitmdump", [...listening, ...settings.flatMap((setting) => ["--set", setting])], {
    // It cuts its lines to the width of the terminal.
    env: { PATH: process.env.PATH, HOME: folder, LC_ALL: "C.UTF-8", COLUMNS: "1000", PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  t.teardown(() => {
    child.kill("SIGKILL");
    return ended;
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const address = (): string | undefined => /listening at (127\.0\.0\.1:\d+)/.exec(output)?.[1];
  await until("mitmdump listens", () => address() !== undefined || child.exitCode !== null);
  return {
    url: `http://${address()}`,
    caFile: join(folder, "mitmproxy-ca-cert.pem"),
    requests: () => [...output.matchAll(/: ([A-Z]+ https?:\S+)/g)].map(([, request = ""]) => request),
  };
}
