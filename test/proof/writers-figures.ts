import type { AuthorizationServer } from "../helpers/authorization-server.js";
import { atMost, bounded, exactly, type Figure, informative } from "./proof.js";
import { quantile } from "./statistics.js";
import type { Adoptions, Effort, Flood, Seen } from "./writers.js";

/** What a person waits for without noticing; the daemon waits up to 100 ms for a writer to be done. */
const ADOPTION_MS = 250;

/** What the run found. */
export interface Found {
  readonly effort: Effort;
  readonly adoptions: Adoptions;
  readonly flood: Flood;
  readonly seen: Seen;
  readonly issuer: AuthorizationServer;
  /** The short form does not judge times: a busy machine misses any bound on them. */
  readonly isShort: boolean;
}

export function writersFigures({ effort, adoptions, flood, seen, issuer, isShort }: Found): Figure[] {
  const { inPlaceMs, renameMs, mismatches } = adoptions;
  const failure = flood.failures[0] ?? seen.falseSignOuts[0];
  return [
    informative("writes that are waited for, by each writer", effort.spacedWrites),
    ...latencyFigures("truncating writer", inPlaceMs, isShort),
    ...latencyFigures("renaming writer", renameMs, isShort),
    bounded("adopted, but token/get served another token", mismatches, exactly(0)),
    informative("writes in the flood, by each writer", effort.floodWrites),
    informative("the flood, s", flood.seconds.toFixed(0)),
    informative("adoptions in the flood", flood.adoptions),
    informative("calls of token/get in the flood", flood.calls),
    bounded("of them failed", flood.failures.length, exactly(0)),
    informative("last write of the flood to its token, ms", flood.lastServedMs.toFixed(0)),
    bounded("false sign-outs, all in all", seen.falseSignOuts.length, exactly(0)),
    bounded("exchanges that nobody asked for", issuer.exchanges, exactly(0)),
    bounded("spent refresh tokens presented", issuer.reuses, exactly(0)),
    ...(failure === undefined ? [] : [informative("first failure", failure)]),
  ];
}

function latencyFigures(writer: string, takenMs: readonly number[], isShort: boolean): readonly Figure[] {
  const p99 = Number(quantile(takenMs, 0.99).toFixed(0));
  const name = `${writer}: write to adoption, 99th percentile, ms`;
  return [
    informative(`${writer}: write to adoption, median, ms`, quantile(takenMs, 0.5).toFixed(0)),
    isShort ? informative(name, p99) : bounded(name, p99, atMost(ADOPTION_MS)),
    informative(`${writer}: write to adoption, the longest, ms`, Math.max(...takenMs).toFixed(0)),
  ];
}
