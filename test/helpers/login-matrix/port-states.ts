/** Third part of the matrix: who holds the callback port, and what the browser does. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import { createPortHolderFinder } from "#daemon/net/port-holder.js";
import { createLoopbackRedirects } from "#daemon/oauth/loopback-redirect.js";
import { approveLogin } from "../browser-user.js";
import type { TestTerminal } from "../cli-run.js";
import { occupyAsCodexLogin, occupyPort } from "../port-occupant.js";
import { until } from "../until.js";
import { resultOf } from "./result.js";
import type { Shown, Stage } from "./stage.js";

/** Makes the state, for a login into `home`; the result ends it. */
type Arrange = (stage: Stage, home: string) => Promise<() => unknown>;

const NO_PORT = "both held by other programs";

const PORT_STATES: Readonly<Record<string, Arrange>> = {
  free: async () => () => undefined,
  "1455 held by another program": async ({ t, ports }) => (await occupyPort(t, { port: ports.main })).leave,
  "1455 held by the login of a Codex CLI": async ({ t, ports }) =>
    (await occupyAsCodexLogin(t, ports.main)).leave,
  "1455 held by our own older login of this session": holdByOurs,
  "1455 held by our own login of another session": (stage) => holdByOurs(stage, stage.newHome()),
  "1455 held by a codex-authd of another user or home": holdByAnotherDaemon,
  [NO_PORT]: async ({ t, ports }) => {
    const occupants = [
      await occupyPort(t, { port: ports.main }),
      await occupyPort(t, { port: ports.fallback }),
    ];
    return () => occupants.map(({ leave }) => leave());
  },
};

async function holdByOurs({ client }: Stage, codexHome: string) {
  const { loginId } = await client.beginLogin({ codexHome, flow: "browser" });
  return () => client.cancelLogin(loginId);
}

async function holdByAnotherDaemon({ t, ports }: Stage) {
  const redirects = createLoopbackRedirects({ clock: systemClock, findHolder: createPortHolderFinder() });
  const theirs = await redirects.expect("theirs", { ports: [ports.main], redirectHost: "localhost" });
  let isCancelled = false;
  theirs.response.then(() => {
    isCancelled = true;
  });
  return async () => {
    t.notOk(isCancelled, "the login of the other daemon goes on");
    await redirects.close();
  };
}

interface BrowserState {
  readonly args: readonly string[];
  /** `BROWSER`, made in a folder. */
  readonly browser?: (folder: string) => string;
  readonly person: (context: {
    shown: Shown;
    terminal: TestTerminal;
    stage: Stage;
    home: string;
  }) => Promise<unknown>;
}

const BROWSER_STATES = {
  opens: {
    args: ["--browser"],
    browser: browserIn,
    person: async ({ home }) => approveLogin(await addressIn(home)),
  },
  none: {
    args: ["--browser"],
    browser: () => "/no/browser",
    person: async ({ shown, terminal }) => {
      await terminal.shown("No browser could be opened");
      if (shown.flow === "browser") await approveLogin(shown.url);
    },
  },
  elsewhere: {
    args: ["--browser", "--no-browser", "--paste"],
    person: async ({ shown, terminal, stage: { issuer } }) => {
      issuer.autoApprove = true;
      const { headers } = await fetch(shown.flow === "browser" ? shown.url : "", { redirect: "manual" });
      issuer.autoApprove = false;
      terminal.stdin.write(`${headers.get("location")}\n`);
    },
  },
  closes: {
    args: ["--browser"],
    browser: browserIn,
    person: async ({ home, terminal }) => {
      await addressIn(home);
      terminal.interrupt("SIGINT");
    },
  },
} as const satisfies Record<string, BrowserState>;

/** A browser that opens, as far as whoever starts it can see. */
function browserIn(folder: string): string {
  const program = join(folder, "browser");
  writeFileSync(program, '#!/bin/sh\nprintf %s "$1" > "$0.new" && mv "$0.new" "$0.seen"\n');
  chmodSync(program, 0o700);
  return program;
}

async function addressIn(folder: string): Promise<string> {
  const file = join(folder, "browser.seen");
  await until("the browser opens", () => existsSync(file));
  return readFileSync(file, "utf8");
}

export type PortRow = { readonly port: string } & Readonly<Record<keyof typeof BROWSER_STATES, string>>;

export async function portRows(stage: Stage): Promise<PortRow[]> {
  const rows: PortRow[] = [];
  for (const [port, arrange] of Object.entries(PORT_STATES)) {
    const opens = await cell(stage, arrange, BROWSER_STATES.opens);
    // Without a port nothing opens, so that there is nothing to tell apart.
    if (port === NO_PORT) {
      rows.push({ port, opens, none: opens, elsewhere: opens, closes: opens });
      continue;
    }
    rows.push({
      port,
      opens,
      none: await cell(stage, arrange, BROWSER_STATES.none),
      elsewhere: await cell(stage, arrange, BROWSER_STATES.elsewhere),
      closes: await cell(stage, arrange, BROWSER_STATES.closes),
    });
  }
  return rows;
}

async function cell(
  stage: Stage,
  arrange: Arrange,
  { args, browser, person }: BrowserState,
): Promise<string> {
  const home = stage.newHome();
  const end = await arrange(stage, home);
  const attempt = await stage.attempt({
    args,
    home,
    variables: browser ? { BROWSER: browser(home) } : {},
    person: (shown, terminal) => person({ shown, terminal, stage, home }),
  });
  await end();
  return resultOf(attempt, stage);
}
