/** A cell of the matrix in words: that somebody is logged in, or the exact sentence that says what to do. */
import type { Outcome, Stage } from "./stage.js";

/** Said on the way; each tells the person what to do. */
const NOTES = /^(?:No browser could be opened: .*|The browser did not come back .*; it stays valid\. .*)$/gm;

export function resultOf({ exitCode, stderr, shown }: Outcome, stage: Stage): string {
  const notes = stderr.match(NOTES) ?? [];
  const error = /^error: (.*)$/m.exec(stderr)?.[1] ?? `exit code ${exitCode}, with no word`;
  const end = exitCode === 0 ? `logged in${wayOf(shown, stage)}` : error;
  return masked([...notes, end].join(" Then: "), stage);
}

/** Where the login went, for one that was made now. */
function wayOf(shown: Outcome["shown"], { ports }: Stage): string {
  const last = shown.at(-1);
  if (last === undefined) return "";
  if (last.flow === "device") return ", with the code";
  const port = Number(new URL(new URL(last.url).searchParams.get("redirect_uri") ?? "").port);
  return port === ports.fallback ? ", on port 1457" : "";
}

/** Without what differs from run to run. */
function masked(text: string, { issuer, ports }: Stage): string {
  return text
    .replaceAll(issuer.url, "https://auth.openai.com")
    .replaceAll(`127.0.0.1:${new URL(issuer.url).port}`, "auth.openai.com")
    .replaceAll(String(ports.main), "1455")
    .replaceAll(String(ports.fallback), "1457")
    .replace(/ in \/\S+\/h\d+\/config\.toml/g, " in ~/.codex/config.toml")
    .replace(/in use by [^,)]*, process \d+/g, "in use by <program>, process <id>")
    .replace(/got no usable answer: [\w ]+/g, "got no usable answer: <the system's word>");
}
