/**
 * `npm run bench`: what a token costs, as ratios to bare servers and a bare Node. `-- --quick` takes 10 s and is for
 * trying; `-- --write` puts the table into docs/benchmarks.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Effort, measureRounds } from "./measure.js";
import { ratioTable } from "./report.js";
import { startServers } from "./servers.js";

const FULL: Effort = {
  rounds: 15,
  warmUpCalls: 4_000,
  sequentialCalls: 400,
  concurrentCalls: 3_200,
  programRuns: 3,
};
const QUICK: Effort = {
  rounds: 3,
  warmUpCalls: 500,
  sequentialCalls: 150,
  concurrentCalls: 960,
  programRuns: 3,
};

const DOCUMENT = new URL("../../docs/benchmarks.md", import.meta.url);

/** Everything below this line of the document is the last run's. */
const MARK = "<!-- written by `npm run bench -- --write` -->\n";

const { quick, write } = parseArgs({
  options: { quick: { type: "boolean", default: false }, write: { type: "boolean", default: false } },
}).values;

const effort = quick ? QUICK : FULL;
const report = `${circumstances()}\n\n${await run()}\n`;
process.stdout.write(report);
if (write) writeDocument();

async function run(): Promise<string> {
  await using servers = await startServers();
  return ratioTable(await measureRounds(servers, effort));
}

function circumstances(): string {
  const { rounds, programRuns } = effort;
  const day = new Date().toISOString().slice(0, 10);
  const machine = `${process.platform} ${process.arch}, ${cpus().length} cores, Node ${process.versions.node}`;
  return `${day}, ${machine}, ${rounds} rounds, ${rounds * programRuns} runs of each program`;
}

function writeDocument(): void {
  const [prose] = readFileSync(DOCUMENT, "utf8").split(MARK);
  writeFileSync(DOCUMENT, `${prose}${MARK}\n${report}`);
}
