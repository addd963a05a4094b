import type { EnduranceRun } from "./endurance.js";
import { cpuShare, type Usage } from "./process-usage.js";
import { atLeast, atMost, type Bound, bounded, exactly, type Figure, informative } from "./proof.js";
import { median, quantile, slopeOf } from "./statistics.js";

const MEBIBYTE = 1_048_576;

/** A token is due at half of its 20 s, so what is left of it is 10 s: a refresh must not take all, and seldom half of it. */
const LAG_MAX_MS = 10_000;
const LAG_P99_MAX_MS = 5_000;

/** Half a lifetime, less 5 % and less the second that `iat` is cut to: sooner would be more exchanges than the rule says. */
const GAP_MIN_MS = 8_500;

/** Noise of the allocator; a leak of 100 bytes a refresh would be more. */
const GROWTH_MAX_PERCENT = 5;

/** The short form judges what a busy machine cannot change. */
export function enduranceFigures(run: EnduranceRun, isShort: boolean): Figure[] {
  const judged = (name: string, value: number, bound: Bound): Figure =>
    isShort ? informative(name, value) : bounded(name, value, bound);
  return [...exactFigures(run), ...punctualityFigures(run, judged), ...usageFigures(run.usage, judged)];
}

type Judged = (name: string, value: number, bound: Bound) => Figure;

function exactFigures(run: EnduranceRun): Figure[] {
  const { effort, watch } = run;
  return [
    informative("sessions", effort.sessions),
    informative("seconds", effort.durationMs / 1000),
    bounded("exchanges", run.exchanges, atLeast(effort.sessions)),
    bounded("spent refresh tokens presented", run.reuses, exactly(0)),
    bounded("requests that departed from upstream's form", run.violations, exactly(0)),
    bounded("refusals, deferrals and failed writes", watch.mishaps.length, exactly(0)),
    bounded("logins lost", run.lost, exactly(0)),
    informative("tokens served", run.tokensServed),
    bounded("tokens served that the issuer did not accept", run.badAnswers, exactly(0)),
    bounded("exit code of the daemon", run.exitCode ?? -1, exactly(0)),
  ];
}

function punctualityFigures(
  { watch: { lagsMs }, gapsMs, effort, exchanges, longestStallMs }: EnduranceRun,
  judged: Judged,
): Figure[] {
  return [
    informative("exchanges of one session", rounded(exchanges / effort.sessions)),
    // The short form ends before the second refresh of a session.
    ...(gapsMs.length === 0 ? [] : [judged("shortest gap, ms", Math.min(...gapsMs), atLeast(GAP_MIN_MS))]),
    informative("lag p50, ms", median(lagsMs)),
    judged("lag p99, ms", quantile(lagsMs, 0.99), atMost(LAG_P99_MAX_MS)),
    judged("longest lag, ms", Math.max(...lagsMs), atMost(LAG_MAX_MS)),
    informative("longest stall of the measuring process, ms", Math.round(longestStallMs)),
  ];
}

function usageFigures(usage: readonly Usage[], judged: Judged): Figure[] {
  const [first, last] = [usage[0], usage.at(-1)];
  if (!first || !last) throw new Error("No sample was taken.");
  const third = Math.floor(usage.length / 3);
  const [middle, end] = [usage.slice(third, 2 * third), usage.slice(2 * third)];
  const growth = 100 * (residentOf(end) / residentOf(middle) - 1);
  const points = [...middle, ...end].map(({ atMs, residentBytes }) => ({
    x: atMs / 60_000,
    y: residentBytes,
  }));
  return [
    informative("resident memory, middle third, MiB", rounded(residentOf(middle) / MEBIBYTE)),
    informative("resident memory, last third, MiB", rounded(residentOf(end) / MEBIBYTE)),
    judged("growth between them, %", rounded(growth), atMost(GROWTH_MAX_PERCENT)),
    informative("slope of both, KiB a minute", rounded(slopeOf(points) / 1024)),
    informative("descriptors, middle third", median(middle.map(({ descriptors }) => descriptors))),
    judged("descriptors more in the last third", descriptorsOf(end) - descriptorsOf(middle), atMost(0)),
    informative("share of one core, %", rounded(100 * cpuShare(first, last))),
  ];
}

function residentOf(usage: readonly Usage[]): number {
  return median(usage.map(({ residentBytes }) => residentBytes));
}

function descriptorsOf(usage: readonly Usage[]): number {
  return median(usage.map(({ descriptors }) => descriptors));
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
