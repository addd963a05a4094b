/** The rounds: every subject in every one, in an order that turns, so that the machine's moods hit all alike. */
import {
  CALLERS_MAX,
  type Caller,
  createCachedCaller,
  createHttpCaller,
  createLibraryCaller,
  createNetCaller,
} from "./callers.js";
import { type Load, type LoadOptions, measureLoad, median } from "./load.js";
import { EMPTY_PROGRAM, measureProgram, TOKEN_PROGRAM } from "./programs.js";
import type { Servers } from "./servers.js";

/** How much is done. */
export interface Effort {
  readonly rounds: number;
  /** Before the first round, so that nobody is measured while being compiled. */
  readonly warmUpCalls: number;
  /** In a round, by one caller after the other. */
  readonly sequentialCalls: number;
  /** In a round, by 64 callers together. */
  readonly concurrentCalls: number;
  /** Runs of each program in a round. */
  readonly programRuns: number;
}

/** Those that are compared stand side by side, and are measured one after the other. */
export const SUBJECTS = [
  "daemon, library",
  "Fastify, library",
  "daemon, node:http",
  "Fastify, node:http",
  "net, lines",
  "daemon, cached",
] as const;

export type Subject = (typeof SUBJECTS)[number];

export type Loads = Readonly<Record<Subject, Load>>;

/** What one round found. */
export interface Round {
  /** One caller, which asks again when it was answered. */
  readonly alone: Loads;
  /** 64 of them at the same time. */
  readonly together: Loads;
  /** Medians, in milliseconds. */
  readonly tokenProgramMs: number;
  readonly emptyProgramMs: number;
}

/** Measures all subjects, `effort.rounds` times. */
export async function measureRounds(servers: Servers, effort: Effort): Promise<Round[]> {
  const callers = await createCallers(servers);
  try {
    for (const subject of SUBJECTS) await warmUp(callers[subject], effort);
    const rounds: Round[] = [];
    for (let number = 0; number < effort.rounds; number += 1) {
      rounds.push(await measureRound({ callers, servers, effort, number }));
    }
    return rounds;
  } finally {
    for (const subject of SUBJECTS) await callers[subject].close();
  }
}

type Callers = Readonly<Record<Subject, Caller>>;

async function createCallers({ daemon, fastify, net, env }: Servers): Promise<Callers> {
  return {
    "daemon, library": createLibraryCaller(daemon, env),
    "daemon, node:http": createHttpCaller(daemon),
    "daemon, cached": createCachedCaller(daemon, env),
    "Fastify, library": createLibraryCaller(fastify, env),
    "Fastify, node:http": createHttpCaller(fastify),
    "net, lines": await createNetCaller(net),
  };
}

async function warmUp(caller: Caller, { warmUpCalls }: Effort): Promise<void> {
  await measureLoad(caller, { callers: 1, calls: warmUpCalls });
  await measureLoad(caller, { callers: CALLERS_MAX, calls: warmUpCalls });
}

async function measureRound(options: {
  readonly callers: Callers;
  readonly servers: Servers;
  readonly effort: Effort;
  readonly number: number;
}): Promise<Round> {
  const { callers, servers, effort, number } = options;
  const subjects = turned(SUBJECTS, number);
  const measureAll = async (load: LoadOptions): Promise<Loads> => {
    const loads: Partial<Record<Subject, Load>> = {};
    for (const subject of subjects) loads[subject] = await measureLoad(callers[subject], load);
    return loads as Loads;
  };
  return {
    alone: await measureAll({ callers: 1, calls: effort.sequentialCalls }),
    together: await measureAll({ callers: CALLERS_MAX, calls: effort.concurrentCalls }),
    ...measurePrograms(servers, effort),
  };
}

function measurePrograms(
  { env }: Servers,
  { programRuns }: Effort,
): Pick<Round, "tokenProgramMs" | "emptyProgramMs"> {
  const token: number[] = [];
  const empty: number[] = [];
  for (let run = 0; run < programRuns; run += 1) {
    token.push(measureProgram(TOKEN_PROGRAM, env));
    empty.push(measureProgram(EMPTY_PROGRAM, env));
  }
  return { tokenProgramMs: median(token), emptyProgramMs: median(empty) };
}

/** The same, begun `by` places later. */
function turned<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
