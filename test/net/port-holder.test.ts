import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { createPortHolderFinder } from "#daemon/net/port-holder.js";
import { occupyPort } from "../helpers/port-occupant.js";

const PORT = 1455;

/** A line of /proc/net/tcp. */
const row = (address: string, state = "0A", uid = 1000): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 4711 1 0000000000000000 100 0 0 10 0`;

interface Proc {
  readonly tcp?: string;
  readonly tcp6?: string;
  /** argv of process 99, which has the socket. */
  readonly argv?: readonly string[];
}

function finderOn(t: Test, { tcp = "", tcp6 = "", argv }: Proc) {
  const procFolder = t.testdir({ net: { tcp: `  sl  local_address\n${tcp}\n`, tcp6 }, self: {}, "7": {} });
  if (argv) {
    mkdirSync(join(procFolder, "99", "fd"), { recursive: true });
    writeFileSync(join(procFolder, "99", "cmdline"), argv.map((word) => `${word}\0`).join(""));
    symlinkSync("socket:[4711]", join(procFolder, "99", "fd", "3"));
  }
  return createPortHolderFinder({ platform: "linux", uid: 1000, procFolder });
}

t.test("the real system names this process, and nobody on a port that is free", async (t) => {
  const find = createPortHolderFinder();
  const occupant = await occupyPort(t);
  t.match(await find(occupant.port), { program: { name: /^node/, pid: process.pid }, uid: undefined });
  occupant.leave();
  t.equal(await find(occupant.port), undefined);
});

t.test("Linux: every address that is in the way, and no other", async (t) => {
  const argv = ["/usr/bin/python3", "-m", "http.server", "--token=secret"];
  const program = { name: "python3", pid: 99 };
  for (const address of ["0100007F:05AF", "00000000:05AF"]) {
    t.same(await finderOn(t, { tcp: row(address), argv })(PORT), { program }, address);
  }
  for (const address of ["00000000000000000000000000000000:05AF", "0000000000000000FFFF00000100007F:05AF"]) {
    t.same(await finderOn(t, { tcp6: row(address), argv })(PORT), { program }, address);
  }
  for (const other of [row("0200007F:05AF"), row("0100007F:05AE"), row("0100007F:05AF", "06")]) {
    t.equal(await finderOn(t, { tcp: other, argv })(PORT), undefined, other);
  }
});

t.test("Linux: a script of Node goes by its own name, and a name steers no terminal", async (t) => {
  const tcp = row("0100007F:05AF");
  const nameOf = async (argv: string[]) => (await finderOn(t, { tcp, argv })(PORT))?.program?.name;
  t.equal(await nameOf(["/opt/node", "/opt/x/codex-authd.js", "--socket", "/s"]), "node codex-authd.js");
  t.equal(await nameOf(["node", "--inspect"]), "node");
  t.equal(await nameOf(["\u001b]0;x\u0007evil\n"]), "?]0;x?evil?");
  t.equal(await nameOf(["x".repeat(500)]), "x".repeat(40));
});

t.test("Linux: of another user's process the user is known", async (t) => {
  t.same(await finderOn(t, { tcp: row("0100007F:05AF", "0A", 1001) })(PORT), { uid: 1001 });
  t.equal(await finderOn(t, { tcp: row("0100007F:05AF") })(PORT), undefined);
});

t.test("macOS: what lsof says", async (t) => {
  const calls: unknown[] = [];
  const finder = (output: string) =>
    createPortHolderFinder({
      platform: "darwin",
      uid: 501,
      run: async (...call) => {
        calls.push(call);
        return output;
      },
    });
  t.same(await finder("p4711\ncControlCe\nu501\nf3\n")(PORT), { program: { name: "ControlCe", pid: 4711 } });
  t.same(calls, [["lsof", ["-nP", "-iTCP:1455", "-sTCP:LISTEN", "-F", "pcu"]]]);
  t.same(await finder("p4711\nccodex\nu0\n")(PORT), { program: { name: "codex", pid: 4711 }, uid: 0 });
  t.equal(await finder("")(PORT), undefined);
});

t.test("a look that fails says nothing", async (t) => {
  const broken = createPortHolderFinder({
    platform: "darwin",
    run: () => Promise.reject(new Error("no lsof")),
  });
  t.equal(await broken(PORT), undefined);
  t.equal(await createPortHolderFinder({ platform: "linux", procFolder: "/nowhere" })(PORT), undefined);
});
