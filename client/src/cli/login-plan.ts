/** `codex-auth login --explain`: which login would begin, why and where. Begins none, and starts no daemon. */
import { type ChildEnvironment, chooseFlow, type FlowChoice, type SessionStatus } from "@codex-authd/shared";
import type { ExplainLoginOptions, LoginPlan } from "../call-options.js";
import { ClientError } from "../client-error.js";
import type { CommandScope } from "./command-scope.js";
import { EXIT } from "./exit-codes.js";
import { formatColumns } from "./format.js";
import type { Output } from "./output.js";

type Wish = ExplainLoginOptions & { readonly childEnvironment: ChildEnvironment };

/** What only a daemon knows is `null` without one. */
type ShownPlan = FlowChoice & {
  readonly [Fact in Exclude<keyof LoginPlan, keyof FlowChoice>]: LoginPlan[Fact] | null;
};

const FLOW_WORDS = {
  browser: "browser",
  device: "device: a code, for a browser on any device",
  none: "none: a login that is there is used, else it fails",
} as const satisfies Record<FlowChoice["flow"], string>;

const SESSION_WORDS = {
  active: "logged in; no login begins, unless with --force",
  signedOut: "not logged in",
  reauthorizationRequired: "the last login has ended",
} as const satisfies Record<SessionStatus["state"], string>;

const NO_DAEMON = "not known: no daemon runs, and its configuration says";

export async function explainLogin({ client, output }: CommandScope, wish: Wish): Promise<number> {
  const plan = await client.explainLogin(wish).catch((error: unknown) => planWithoutDaemon(error, wish));
  output.result(plan, () => planLines(plan, output));
  return EXIT.done;
}

function planWithoutDaemon(error: unknown, wish: Wish): ShownPlan {
  if (!(error instanceof ClientError) || error.code !== "ERR_DAEMON_NOT_RUNNING") throw error;
  const { childEnvironment } = wish;
  const choice = chooseFlow(childEnvironment, childEnvironment.platform ?? "", wish);
  return { ...choice, ports: null, redirectHost: null, issuer: null, sessionState: null };
}

function planLines(plan: ShownPlan, output: Output): string[] {
  const rows = [
    ["flow", FLOW_WORDS[plan.flow]],
    ["because", plan.reason],
    ...(plan.fallback ? [["then", `${FLOW_WORDS[plan.fallback]}, when no redirect arrives`]] : []),
    ["ports", plan.ports ? `${plan.ports.join(", then ")} of ${plan.redirectHost}` : NO_DAEMON],
    ["issuer", plan.issuer ?? NO_DAEMON],
    ["session", plan.sessionState ? SESSION_WORDS[plan.sessionState] : "not known: no daemon runs"],
  ];
  return [
    ...formatColumns(rows),
    ...plan.changes,
    ...plan.warnings.map((warning) => `${output.styleResult("yellow", "warning:")} ${warning}`),
  ];
}
