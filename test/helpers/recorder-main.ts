/** `recorder-main.js FILE COMMAND…`: runs the command, and keeps its stdin in FILE.in and its stdout in FILE.out. */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";

const [, , file = "", command = "", ...args] = process.argv;

const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
child.stdin.on("error", () => {}); // It has gone; its end is what counts.
process.stdin.on("data", (bytes) => appendFileSync(`${file}.in`, bytes)).pipe(child.stdin);
child.stdout.on("data", (bytes) => appendFileSync(`${file}.out`, bytes)).pipe(process.stdout);
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.once("close", (code) => {
  process.exitCode = code ?? 1;
  process.stdin.destroy();
});
