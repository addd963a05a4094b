/** The life of a child, with programs that misbehave as an app-server would not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import type { AppServerEnd, Channel } from "#client/app-server/channel.js";
import { startChild } from "#client/app-server/child.js";
import { Connection } from "#client/app-server/connection.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

/** Answers every request with its own params. */
const ECHO = `
const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { id, params } = JSON.parse(line);
  if (id !== undefined) process.stdout.write(JSON.stringify({ id, result: params }) + "\\n");
});`;

const cwd = temporaryFolder(t);
const env = { PATH: process.env.PATH };

async function start(
  t: Test,
  program: string,
  clock = undefined as Parameters<typeof startChild>[0]["clock"],
) {
  const channel = await startChild({ command: process.execPath, args: ["-e", program], cwd, env, clock });
  t.teardown(() => channel.close());
  return channel;
}

async function connect(t: Test, program: string): Promise<Connection> {
  return new Connection(await start(t, program));
}

function endOf(connection: Connection): Promise<AppServerEnd> {
  return new Promise((resolve) => connection.on("ended", resolve));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

t.test("a program that is not there, or cannot be run, is named", async (t) => {
  const missing = startChild({ command: "/nonexistent/codex", cwd, env });
  await t.rejects(missing, {
    code: "ERR_APP_SERVER_NOT_STARTED",
    message: /no program \/nonexistent\/codex/,
  });
  const notExecutable = join(cwd, "codex");
  writeFileSync(notExecutable, "#!/bin/sh\n", { mode: 0o600 });
  const refused = startChild({ command: notExecutable, cwd, env });
  await t.rejects(refused, { code: "ERR_APP_SERVER_NOT_STARTED", message: /EACCES/ });
});

t.test("an early exit fails what waits, with the exit code and the end of stderr", async (t) => {
  const program = `console.error("x".repeat(20_000) + " it broke"); setTimeout(() => process.exit(7), 50);`;
  const connection = await connect(t, program);
  const end = endOf(connection);
  await t.rejects(connection.request("initialize" as string, {}), {
    code: "ERR_APP_SERVER_ENDED",
    message: /exit code 7[\s\S]* it broke$/,
  });
  const { exitCode, signal, stderr } = await end;
  t.match({ exitCode, signal }, { exitCode: 7, signal: null });
  t.equal(stderr.length, 8_192);
  await t.rejects(connection.request("initialize" as string, {}), { code: "ERR_APP_SERVER_ENDED" });
  await connection.notify("initialized");
});

t.test("what is no message is noise, and disturbs nothing", async (t) => {
  const connection = await connect(
    t,
    `console.log("Welcome!"); console.log("[1]"); console.log(""); ${ECHO}`,
  );
  const noise: string[] = [];
  connection.on("noise", (text) => noise.push(text));
  t.same(await connection.request("echo" as string, { a: 1 }), { a: 1 });
  t.same(noise, ["Welcome!", "[1]"]);
});

t.test("a line without end ends the program, before it fills the memory", async (t) => {
  const program = `const junk = "x".repeat(1 << 20); const more = () => process.stdout.write(junk, more); more();`;
  const { message, signal } = await endOf(await connect(t, program));
  t.match(message, /line of over 67108864 bytes/);
  t.equal(signal, "SIGKILL");
});

t.test("a program that ignores SIGTERM is killed after 5 s, and not before", async (t) => {
  const clock = createManualClock();
  const program = `process.on("SIGTERM", () => console.log(JSON.stringify({ method: "told" }))); ${ECHO}`;
  const channel = await start(t, program, clock);
  const connection = new Connection(channel);
  await connection.request("echo" as string, {});
  const told = new Promise<void>((resolve) => connection.on("notification", () => resolve()));
  const closed = channel.close();
  await told;
  clock.advance(4_999);
  t.equal(connection.end, null);
  clock.advance(1);
  await closed;
  t.match(connection.end, { signal: "SIGKILL", message: "The app-server was closed." });
});

t.test("what a launcher started goes with it", async (t) => {
  const program = `
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "inherit" });
    console.log(JSON.stringify({ method: "started", params: child.pid })); ${ECHO}
    lines.on("line", (line) => line.includes("crash") && process.exit(1));`;
  for (const end of ["close", "exit"] as const) {
    t.test(`at a ${end}`, async (t) => {
      const connection = await connect(t, program);
      const pid = await new Promise<number>((resolve) => {
        connection.on("notification", ({ params }) => resolve(params as number));
      });
      t.ok(isAlive(pid));
      if (end === "close") await connection.close();
      else {
        const ended = endOf(connection);
        await connection.notify("crash");
        await ended;
      }
      await t.resolves(until("the grandchild has gone", () => !isAlive(pid)));
    });
  }
});

t.test("who left the group and keeps the pipes open holds up nobody", async (t) => {
  const program = `
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"],
      { stdio: "inherit", detached: true });
    console.log(JSON.stringify({ method: "started", params: child.pid })); ${ECHO}`;
  const connection = await connect(t, program);
  const pid = await new Promise<number>((resolve) => {
    connection.on("notification", ({ params }) => resolve(params as number));
  });
  t.teardown(() => process.kill(pid, "SIGKILL"));
  await connection.close();
  t.match(connection.end, { message: "The app-server was closed." });
  t.ok(isAlive(pid), "it is none of ours");
});

t.test("close may be called twice, and leaves no process", async (t) => {
  const channel = await start(t, ECHO);
  const connection = new Connection(channel);
  await connection.request("echo" as string, {});
  await Promise.all([connection.close(), connection.close()]);
  await connection.close();
  t.not(connection.end, null);
});

t.test("a child that does not read holds the sender back", async (t) => {
  const channel = await start(t, "setInterval(() => {}, 1e6)");
  channel.open({ onText: () => {}, onEnd: () => {} });
  let sent = 0;
  const sending = (async () => {
    for (; sent < 64; sent += 1) await channel.send("x".repeat(65_536));
  })();
  await t.resolves(Promise.race([sending, new Promise((resolve) => setTimeout(resolve, 500))]));
  t.ok(sent < 64, `${sent} of 64 were taken`);
  await channel.close();
  await sending;
});

t.test("a host that pauses holds the child back, and gets everything when it resumes", async (t) => {
  const program = `let sent = 0;
    const more = () => { while (sent < 2_000) { sent += 1;
      if (!process.stdout.write(JSON.stringify({ method: "n", params: [sent, "x".repeat(1_000)] }) + "\\n")) {
        process.stdout.once("drain", more); return; } }
      process.stdout.write(JSON.stringify({ method: "all" }) + "\\n"); };
    more(); setInterval(() => {}, 1e6);`;
  const connection = await connect(t, program);
  const numbers: number[] = [];
  let isPaused = false;
  let seenWhilePaused = 0;
  const all = new Promise<void>((resolve) => {
    connection.on("notification", ({ method, params }) => {
      if (method === "all") return resolve();
      numbers.push((params as [number])[0]);
      if (isPaused) seenWhilePaused += 1;
      if (numbers.length !== 10) return;
      connection.pause();
      setTimeout(() => {
        isPaused = true;
        setTimeout(() => {
          isPaused = false;
          connection.resume();
        }, 200);
      }, 50);
    });
  });
  await all;
  t.equal(seenWhilePaused, 0);
  t.same(
    numbers,
    Array.from({ length: 2_000 }, (_, index) => index + 1),
  );
});

t.test("an aborted request ends the wait and nothing else", async (t) => {
  const connection = await connect(t, ECHO.replace("if (id !== undefined)", "if (params.answer)"));
  const controller = new AbortController();
  const waiting = connection.request("echo" as string, { answer: false }, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await t.rejects(waiting, { message: "enough" });
  t.match(await connection.request("echo" as string, { answer: true }), { answer: true });
});

t.test("a request of the server without a handler is answered with an error", async (t) => {
  const program = `console.log(JSON.stringify({ id: 0, method: "item/unheardOf", params: {} }));
    require("node:readline").createInterface({ input: process.stdin })
      .on("line", (line) => console.log(JSON.stringify({ method: "got", params: JSON.parse(line) })));`;
  const connection = await connect(t, program);
  const got = await new Promise((resolve) => connection.on("notification", ({ params }) => resolve(params)));
  t.match(got, { id: 0, error: { code: -32601, message: /item\/unheardOf/ } });
});

t.test("the child does not outlive its host, however that ends", async (t) => {
  const modules = ["child", "connection"].map((name) => {
    return pathToFileURL(join(import.meta.dirname, `../../../client/dist/app-server/${name}.js`)).href;
  });
  const host = `
    import { startChild } from ${JSON.stringify(modules[0])};
    import { Connection } from ${JSON.stringify(modules[1])};
    const program = ${JSON.stringify(`console.log(JSON.stringify({ method: "pid", params: process.pid })); ${ECHO}
      lines.on("close", () => process.exit(0));`)};
    const channel = await startChild({ command: process.execPath, args: ["-e", program], cwd: ".", env: process.env });
    new Connection(channel).on("notification", ({ params }) => console.log(params));
    process.stdin.on("data", () => process.exit(3));`;
  for (const way of ["exit", "SIGKILL"] as const) {
    t.test(way, async (t) => {
      const hostProcess = spawn(process.execPath, ["--input-type=module", "-e", host], {
        cwd,
        env: { PATH: env.PATH },
      });
      const [line] = (await once(createInterface({ input: hostProcess.stdout }), "line")) as [string];
      if (way === "exit") hostProcess.stdin.end("now\n");
      else hostProcess.kill("SIGKILL");
      await once(hostProcess, "close");
      await t.resolves(until("the child has gone", () => !isAlive(Number(line))));
    });
  }
});

t.test("nothing is left open", async (t) => {
  const before = process.getActiveResourcesInfo().filter((name) => /Pipe|Process/.test(name)).length;
  const channel: Channel = await startChild({ command: process.execPath, args: ["-e", ECHO], cwd, env });
  const connection = new Connection(channel);
  await connection.request("echo" as string, {});
  await connection.close();
  const open = (): number =>
    process.getActiveResourcesInfo().filter((name) => /Pipe|Process/.test(name)).length;
  await t.resolves(until("the handles are closed", () => open() <= before));
});
