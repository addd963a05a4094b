// Makes a fresh clone usable, once: installs what package-lock.json names when it is newer than what is installed, and
// builds (a no-op takes a sixth of a second). `setup.mjs test` also prepares the test runner. Node builtins only.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];

function run(what, [command, ...args]) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  console.error(
    `\n${what} failed${error ? `: ${error.message}` : ` (exit ${status})`}. Correct what is said above and run it again.`,
  );
  process.exit(1);
}

/** Runs `work` unless the marker file already names exactly these inputs. */
function once(marker, inputs, work) {
  const path = root + marker;
  const wanted = inputs.map((file) => readFileSync(root + file, "utf8")).join("\n");
  if (existsSync(path) && readFileSync(path, "utf8") === wanted) return;
  work();
  writeFileSync(path, wanted);
}

once("node_modules/.installed-from", ["package-lock.json"], () => {
  console.error("Installing the dependencies (once)…");
  // Nothing that is installed needs a script of its own to work, so none is given the chance to run.
  run("npm ci", [...npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
});
run("The build", [...npm, "run", "--silent", "build"]);
if (process.argv[2] === "test") {
  once(".tap/built-from", ["package-lock.json", ".taprc"], () => {
    console.error("Preparing the test runner (once)…");
    run("tap build", [process.execPath, `${root}node_modules/tap/dist/esm/run.mjs`, "build"]);
  });
}
