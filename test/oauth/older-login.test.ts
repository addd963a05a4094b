import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createPortHolderFinder } from "#daemon/net/port-holder.js";
import { createLoopbackRedirects } from "#daemon/oauth/loopback-redirect.js";
import { createHastyClock } from "../helpers/hasty-clock.js";
import { cancelOfCodex, occupyAsCodexLogin, occupyPort } from "../helpers/port-occupant.js";

const findHolder = createPortHolderFinder();

/** Whoever wants to see what is sent needs the real time for it. */
function start(t: Test, clock = systemClock) {
  const redirects = createLoopbackRedirects({ clock, findHolder });
  t.teardown(() => redirects.close());
  return redirects;
}

const wanting = (...ports: number[]) => ({ ports, redirectHost: "localhost", takesOver: true }) as const;

t.test(
  "the older login of a Codex CLI is ended to the letter as a newer one does, and its port taken",
  async (t) => {
    const codex = await occupyAsCodexLogin(t);
    const pending = await start(t).expect("s1", wanting(codex.port));
    t.equal(pending.redirectUri, `http://localhost:${codex.port}/auth/callback`);
    t.equal(codex.received.at(-1), cancelOfCodex(codex.port));
    t.equal(codex.received.filter((text) => text.startsWith("GET /cancel")).length, 1, "asked once");
  },
);

t.test("a program that does not end is asked once and waited for, then the next port is taken", async (t) => {
  const stubborn = await occupyPort(t, { onText: (socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n") });
  const free = await occupyPort(t);
  free.leave();
  const pending = await start(t).expect("s1", wanting(stubborn.port, free.port));
  t.equal(pending.redirectUri, `http://localhost:${free.port}/auth/callback`);
  t.equal(stubborn.received.filter((text) => text === cancelOfCodex(stubborn.port)).length, 1);
});

t.test(
  "a program that answers nothing keeps nobody waiting, and is named when both ports are taken",
  async (t) => {
    const [silent, other] = [await occupyPort(t, { onText: () => {} }), await occupyPort(t)];
    const hasty = start(t, createHastyClock(100));
    await t.rejects(hasty.expect("s1", wanting(silent.port, other.port)), {
      code: "ERR_CALLBACK_PORT_IN_USE",
      message: `${silent.port} (in use by node, process ${process.pid}), ${other.port} (in use by node, process ${process.pid})`,
    });
  },
);

t.test("a login of another codex-authd is left alone, and named", async (t) => {
  const older = start(t);
  const theirs = await older.expect("theirs", { ports: [0], redirectHost: "localhost" });
  const port = Number(new URL(theirs.redirectUri).port);
  const newer = start(t);
  await t.rejects(newer.expect("ours", wanting(port)), {
    message: `${port} (in use by another codex-authd, process ${process.pid})`,
  });
  const waiting = Symbol("waiting");
  t.equal(await Promise.race([theirs.response, Promise.resolve(waiting)]), waiting);
});

t.test("a port that is nobody's business but its holder's gets no request to cancel", async (t) => {
  const holder = await occupyPort(t);
  const options = { ports: [holder.port], redirectHost: "localhost" } as const;
  await t.rejects(start(t).expect("s1", options), { code: "ERR_CALLBACK_PORT_IN_USE" });
  t.notOk(holder.received.some((text) => text.includes("/cancel")));
});

t.test("a daemon that stops meanwhile waits for no port", async (t) => {
  const stubborn = await occupyPort(t);
  const redirects = start(t);
  const expected = redirects.expect("s1", wanting(stubborn.port, stubborn.port));
  const refused = t.rejects(expected, { code: "ERR_LOGIN_CANCELLED", message: /The daemon is stopping/ });
  await redirects.close();
  await refused;
});

t.test("a port that the system keeps, as Windows does for Hyper-V, is said to be so", async (t) => {
  const refuse = () => Promise.reject(Object.assign(new Error("listen EACCES"), { code: "EACCES" }));
  const fileOf = (name: string) => import.meta.resolve(`#daemon/oauth/${name}.js`);
  const { createLoopbackRedirects } = await t.mockImport<typeof import("#daemon/oauth/loopback-redirect.js")>(
    fileOf("loopback-redirect"),
    {
      [fileOf("loopback-listener")]: {
        LoopbackListener: class {
          listen = refuse;
        },
      },
    },
  );
  const redirects = createLoopbackRedirects({ clock: systemClock, findHolder });
  await t.rejects(redirects.expect("s1", wanting(1455, 1457)), {
    code: "ERR_CALLBACK_PORT_IN_USE",
    message: /1455 \(not permitted: below 1024, or kept by Windows\), 1457 \(not permitted.*\)\. Log in with/,
  });
});
