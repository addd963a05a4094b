/** The view on a terminal: drawn at every change and every second, until somebody quits. */
import { once } from "node:events";
import type { AuthClient } from "../../auth-client.js";
import { EXIT } from "../exit-codes.js";
import { styled, type Terminal } from "../terminal.js";
import { frame, type WatchView } from "./frame.js";
import { listenToKeys } from "./keys.js";
import { openScreen } from "./screen.js";
import { afterEvent, NOTHING_YET } from "./watch-state.js";

/** The shortest step that a countdown shows. */
const TICK_MS = 1_000;

/** Callers are no event: there may be many a second. */
const CALLERS_LOOK_MS = 3_000;

/** @returns the exit code */
export async function liveView(client: AuthClient, terminal: Terminal): Promise<number> {
  const quit = new AbortController();
  const stopListening = terminal.onInterrupt(() => quit.abort());
  const display = startDisplay(terminal, () => quit.abort());
  let view = NOTHING_YET;
  const show = (next: WatchView): void => {
    view = next;
    display.show(view);
  };
  const stopLooking = lookAtCallers(client, terminal, (callers) => show({ ...view, callers }));
  try {
    show(view);
    const onLost = (): void => show({ ...view, isConnected: false });
    for await (const event of client.events({ signal: quit.signal, onLost })) show(afterEvent(view, event));
    return EXIT.done;
  } finally {
    stopLooking();
    display.close();
    stopListening();
  }
}

/** Asks again and again, until the returned function is called; a daemon that is away has no callers. */
function lookAtCallers(
  client: AuthClient,
  { clock }: Terminal,
  onCallers: (callers: WatchView["callers"]) => void,
): () => void {
  let isStopped = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const { callers = [] } = await client.getDaemonStatus().catch(() => ({ callers: [] }));
    if (isStopped) return;
    onCallers(callers);
    cancel = clock.setTimer(CALLERS_LOOK_MS, () => void look());
  };
  void look();
  return () => {
    isStopped = true;
    cancel();
  };
}

interface Display {
  show(view: WatchView): void;
  close(): void;
}

function startDisplay(terminal: Terminal, onQuit: () => void): Display {
  const { stdin, stdout, clock } = terminal;
  const screen = openScreen(stdout);
  let view = NOTHING_YET;
  let cancelTick = (): void => {};
  const draw = (): void => {
    const { columns, rows } = screen;
    const paint: Parameters<typeof frame>[2]["paint"] = (style, text) => styled(stdout, style, text);
    screen.draw(frame(view, clock.now(), { columns, rows, isUtf8: isUtf8(terminal), paint }));
    cancelTick();
    cancelTick = clock.setTimer(TICK_MS, draw);
  };
  let stopKeys = listenToKeys(stdin, { onQuit, onSuspend: suspend });
  stdout.on("resize", draw);

  /** The shell gets its terminal, and we get it back at `fg`. */
  function suspend(): void {
    cancelTick();
    stopKeys();
    screen.close();
    void once(process, "SIGCONT").then(() => {
      screen.open();
      stopKeys = listenToKeys(stdin, { onQuit, onSuspend: suspend });
      draw();
    });
    process.kill(process.pid, "SIGTSTP");
  }

  return {
    show(next) {
      view = next;
      draw();
    },
    close() {
      cancelTick();
      stdout.off("resize", draw);
      stopKeys();
      screen.close();
    },
  };
}

/** As the C library reads the locale. */
function isUtf8({ env }: Terminal): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return /utf-?8/i.test(locale);
}
