#!/usr/bin/env node
/**
 * The program codex-auth: the plain forms of `token` are answered here, in one bundled file; everything else, and every
 * trouble, loads the full command line.
 */
import { writeSync } from "node:fs";
import { getTokenFast, parseTokenArguments } from "./token-hot-path.js";

const STDOUT = 1;

async function main(argv: readonly string[]): Promise<number> {
  const wish = parseTokenArguments(argv, process.env);
  const answer = wish && (await getTokenFast(wish));
  if (answer?.kind === "token") {
    print(Buffer.from(answer.text));
    return 0;
  }
  const program = await import("./program.js");
  return answer?.kind === "failure" ? program.fail(answer) : program.run(argv);
}

/** Two milliseconds faster than `process.stdout`, which is made only for a pipe that is full. */
function print(bytes: Buffer): void {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(STDOUT, bytes, written);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EAGAIN") process.stdout.write(bytes.subarray(written));
    else if (code !== "EPIPE") throw error;
  }
}

main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
