/**
 * `npm run proof`: claims of ours that take minutes to try. `-- NAME…` runs those that are named; `--short` runs the short
 * forms, which every test run has time for. The full form writes its figures to docs/proof/NAME.md. Exits 1 when a bound is
 * missed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { failing } from "../helpers/daemon-place.js";
import { callers } from "./callers.js";
import { children } from "./children.js";
import { endurance } from "./endurance.js";
import { fleet } from "./fleet.js";
import { kill } from "./kill.js";
import type { Proof, ProofResult } from "./proof.js";
import { figureTable, type RunFacts, report } from "./report.js";
import { restarts } from "./restarts.js";
import { writers } from "./writers.js";

const PROOFS: readonly Proof[] = [callers, children, fleet, writers, kill, restarts, endurance];

const DOCUMENTS = new URL("../../../docs/proof/", import.meta.url);

const { values, positionals } = parseArgs({
  options: { short: { type: "boolean", default: false } },
  allowPositionals: true,
});

/** Of the proof that is running. */
const ends: (() => unknown)[] = [];

process.on("uncaughtException", (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void endAll().finally(() => process.exit(1)));
}

for (const proof of chosen(positionals)) {
  const beganAtMs = Date.now();
  const result = await run(proof, values.short);
  const facts: RunFacts = { beganAtMs, endedAtMs: Date.now() };
  process.stdout.write(`${proof.name}: ${proof.title}\n\n${figureTable(result.figures)}\n\n`);
  if (!values.short) writeDocument(proof, result, facts);
  if (result.figures.some(({ met }) => met === false)) process.exitCode = 1;
}

function chosen(names: readonly string[]): readonly Proof[] {
  const unknown = names.filter((name) => !PROOFS.some((proof) => proof.name === name));
  if (unknown.length > 0) {
    const known = PROOFS.map(({ name }) => name).join(", ");
    throw new TypeError(`There is no proof ${unknown.join(", ")}. There are: ${known}.`);
  }
  return names.length === 0 ? PROOFS : PROOFS.filter(({ name }) => names.includes(name));
}

async function run(proof: Proof, isShort: boolean): Promise<ProofResult> {
  try {
    return await proof.run({
      isShort,
      note: (progress) => void process.stderr.write(`${proof.name}: ${progress}\n`),
      teardown: (end) => void ends.unshift(end),
    });
  } finally {
    await endAll();
  }
}

/** Ends what was started, last in, first out; what fails in it must not keep the rest from ending. */
async function endAll(): Promise<void> {
  for (let end = ends.shift(); end !== undefined; end = ends.shift()) await failing(end);
}

function writeDocument(proof: Proof, result: ProofResult, facts: RunFacts): void {
  mkdirSync(DOCUMENTS, { recursive: true });
  writeFileSync(new URL(`${proof.name}.md`, DOCUMENTS), report(proof, result, facts));
}
