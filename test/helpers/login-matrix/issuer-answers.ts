/** Second part of the matrix: what the issuer answers, to each kind of login. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../authorization-server.js";
import { approveDevice, approveLogin, denyDevice, denyLogin, visit } from "../browser-user.js";
import { createImpatientClock } from "../impatient-clock.js";
import { until } from "../until.js";
import { resultOf } from "./result.js";
import type { Attempt, Shown, Stage } from "./stage.js";

type Person = (shown: Shown, stage: Stage) => Promise<unknown>;

interface Answer {
  readonly name: string;
  /** Before the login begins. */
  readonly prepare?: (stage: Stage, home: string, flow: "browser" | "device") => unknown;
  /** Default: whoever sees an address or a code agrees to it. */
  readonly person?: Person;
  /** Nobody does anything, and the time is over. */
  readonly isLate?: boolean;
  /** Puts the issuer right again. */
  readonly restore?: (stage: Stage) => unknown;
}

const agree: Person = (shown) =>
  shown.flow === "browser" ? approveLogin(shown.url) : approveDevice(shown.verificationUri, shown.userCode);

const refuse: Person = (shown) =>
  shown.flow === "browser" ? denyLogin(shown.url) : denyDevice(shown.verificationUri, shown.userCode);

/** The endpoint that the issuer's trouble shows at: the one that decides about the login. */
const failOnce =
  (fault: Fault) =>
  ({ issuer }: Stage, _home: string, flow: "browser" | "device"): void =>
    issuer.failNext(flow === "browser" ? "token" : "usercode", fault);

const SERVER_ERROR = { error: "server_error", error_description: "Something went wrong." };

/** What happens to the polls of a login with a code, which another login never sends. */
const whilePolling =
  (disturb: (issuer: Stage["issuer"]) => void) =>
  ({ issuer }: Stage, _home: string, flow: "browser" | "device"): void => {
    if (flow === "device") disturb(issuer);
  };

const ANSWERS: readonly Answer[] = [
  { name: "approves" },
  { name: "approves slowly", prepare: failOnce({ kind: "delay", delayMs: 500 }) },
  { name: "denies: the person clicks Cancel", person: refuse },
  {
    name: "sends an error back",
    prepare: whilePolling((issuer) =>
      issuer.failNext("deviceToken", { kind: "status", status: 400, body: SERVER_ERROR }),
    ),
    person: async (shown) => shown.flow === "browser" && visit(errorRedirect(shown.url)),
  },
  {
    name: "shows an error page of its own, or nobody finishes the login",
    person: async () => undefined,
    isLate: true,
  },
  {
    name: "approves another workspace than `forced_chatgpt_workspace_id`",
    prepare: (_stage, home) =>
      writeFileSync(join(home, "config.toml"), 'forced_chatgpt_workspace_id = "ws-of-the-company"\n'),
  },
  {
    name: "has device codes switched off",
    prepare: ({ issuer }) => {
      issuer.isDeviceLoginEnabled = false;
    },
    restore: ({ issuer }) => {
      issuer.isDeviceLoginEnabled = true;
    },
  },
  { name: "answers 429", prepare: failOnce({ kind: "status", status: 429 }) },
  { name: "answers 503", prepare: failOnce({ kind: "status", status: 503 }) },
  { name: "drops the connection", prepare: failOnce({ kind: "reset" }) },
  {
    name: "answers 429 while the person types the code",
    prepare: whilePolling((issuer) => issuer.scriptDevicePolls([429])),
  },
  {
    name: "drops the connection while the person types the code",
    prepare: whilePolling((issuer) => issuer.failNext("deviceToken", { kind: "reset" })),
  },
  {
    name: "is down",
    prepare: ({ issuer }, _home, flow) => flow === "device" && issuer.close(),
    person: goDown,
    restore: ({ issuer }) => issuer.listen().catch(() => undefined),
  },
  {
    name: "says that the code has expired",
    prepare: ({ issuer }, _home, flow) => {
      const body = { error: "invalid_grant", error_description: "The authorization code has expired." };
      if (flow === "browser") issuer.failNext("token", { kind: "status", status: 400, body });
      else issuer.scriptDevicePolls(["expired_token"]);
    },
    person: async (shown) => shown.flow === "browser" && approveLogin(shown.url),
  },
];

/** The address of the authorization response that says no without a person having done so. */
function errorRedirect(url: string): string {
  const asked = new URL(url).searchParams;
  const error = { ...SERVER_ERROR, state: asked.get("state") ?? "" };
  return `${asked.get("redirect_uri")}?${new URLSearchParams(error)}`;
}

/** The issuer is gone when the browser has just come back from it; for a code it was gone before. */
async function goDown(shown: Shown, { issuer }: Stage): Promise<void> {
  if (shown.flow === "device") return;
  issuer.autoApprove = true;
  const { headers } = await fetch(shown.url, { redirect: "manual" });
  issuer.autoApprove = false;
  await issuer.close();
  await visit(headers.get("location") ?? "");
}

const WSL = { WSL_DISTRO_NAME: "Debian" };

/** Ways to log in that differ to an issuer. */
const WAYS = {
  browser: { args: ["--browser", "--no-browser"] },
  device: { args: ["--device"] },
  wsl: { args: ["--no-browser"], variables: WSL, clock: createImpatientClock() },
} as const satisfies Record<string, Omit<Attempt, "home">>;

export type AnswerRow = { readonly answer: string } & Readonly<Record<keyof typeof WAYS, string>>;

export async function answerRows(stage: Stage): Promise<AnswerRow[]> {
  const rows: AnswerRow[] = [];
  for (const answer of ANSWERS) {
    rows.push({
      answer: answer.name,
      browser: await cell(stage, answer, "browser"),
      device: await cell(stage, answer, "device"),
      wsl: await cell(stage, answer, "wsl"),
    });
  }
  return rows;
}

/** In this WSL the browser does not come back, until there is no code either and the person tries it again. */
const GIVEN_UP = /it stays valid|not valid any more/;

async function cell(stage: Stage, answer: Answer, way: keyof typeof WAYS): Promise<string> {
  const { prepare, person = agree, isLate = false, restore } = answer;
  const home = stage.newHome();
  await prepare?.(stage, home, way === "browser" ? "browser" : "device");
  const attempt = await stage.attempt({
    ...WAYS[way],
    home,
    isLate,
    person: async (shown, terminal) => {
      if (way !== "wsl" || shown.flow === "device" || isLate) return void (await person(shown, stage));
      await until("the browser is given up", () => GIVEN_UP.test(terminal.written.stderr));
      if (!terminal.written.stderr.includes("it stays valid")) return;
      await restore?.(stage);
      await approveLogin(shown.url);
    },
  });
  await restore?.(stage);
  stage.issuer.clearFaults();
  return resultOf(attempt, stage);
}
