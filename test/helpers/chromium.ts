import { existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import sparticuz from "@sparticuz/chromium";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { Teardown } from "./daemon-place.js";
import { temporaryFolder } from "./temp-folder.js";

/** What an installed Chromium is called on PATH. */
const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

const MAC_PROGRAMS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Two that let a page do what nobody's browser allows; and one with which the first page that closes ends the browser. */
const UNWANTED_FLAGS = ["--allow-running-insecure-content", "--disable-web-security", "--single-process"];

interface Program {
  readonly executablePath: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

/**
 * A headless Chromium for the length of a test: one that is installed, else the one of the development dependency
 * `@sparticuz/chromium`, which runs on Linux x64 without any package of the system.
 * @throws Error where there is neither
 */
export async function startChromium(t: Teardown & { teardown(fn: () => void): void }): Promise<Browser> {
  const { executablePath, args, env } = installedProgram() ?? (await unpackedProgram(temporaryFolder(t)));
  const browser = await chromium.launch({
    executablePath,
    args: [...args, "--no-sandbox"],
    env: { ...process.env, ...env },
  });
  t.teardown(() => browser.close());
  return browser;
}

/** A context with nothing in it, whose every request beyond loopback is refused; `strays` names them. */
export async function openContext(browser: Browser): Promise<{ context: BrowserContext; strays: string[] }> {
  const context = await browser.newContext();
  const strays: string[] = [];
  await context.route(
    (url) => !["127.0.0.1", "localhost"].includes(url.hostname),
    (route) => {
      strays.push(route.request().url());
      return route.abort();
    },
  );
  return { context, strays };
}

/** A page that remembers what its browser complained about. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  return { page, complaints };
}

function installedProgram(): Program | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const executablePath = [...paths, ...MAC_PROGRAMS].find((path) => existsSync(path));
  return executablePath === undefined ? undefined : { executablePath, args: [], env: {} };
}

/** Unpacked afresh, for one that another process left half unpacked is not told from a whole one. */
async function unpackedProgram(folder: string): Promise<Program> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      "No Chromium or Google Chrome is installed. Install one (package chromium), and run again.",
    );
  }
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  try {
    const executablePath = await sparticuz.executablePath();
    const args = sparticuz.args.filter((flag) => !UNWANTED_FLAGS.includes(flag));
    return { executablePath, args, env: { FONTCONFIG_FILE: writeFontConfig(folder) } };
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

/** The one that comes along looks for its fonts in /tmp alone; without any font, every text has no size. */
function writeFontConfig(folder: string): string {
  const file = join(folder, "fonts.conf");
  const places = `<dir>${join(folder, "fonts")}</dir><cachedir>${join(folder, "fonts-cache")}</cachedir>`;
  writeFileSync(file, `<?xml version="1.0"?><fontconfig>${places}</fontconfig>`);
  return file;
}
