import { formatCountdown } from "./format.js";
import type { Terminal } from "./terminal.js";

/** The countdown shows seconds. */
const TICK_MS = 1_000;

export interface Progress {
  stop(): void;
}

/** A spinner on stderr with the time that is left; nothing at all when stderr is no terminal. */
export async function startProgress(terminal: Terminal, text: string, untilMs: number): Promise<Progress> {
  if (!terminal.stderr.isTTY) return { stop: () => undefined };
  const { default: createSpinner } = await import("yocto-spinner");
  const { clock } = terminal;
  const words = (): string => `${text} ${formatCountdown(untilMs - clock.now())} left, Ctrl-C cancels`;
  const spinner = createSpinner({ text: words(), stream: terminal.stderr, handleSignals: false });
  let cancelTick = (): void => undefined;
  const tick = (): void => {
    spinner.text = words();
    cancelTick = clock.setTimer(TICK_MS, tick);
  };
  spinner.start();
  cancelTick = clock.setTimer(TICK_MS, tick);
  return {
    stop() {
      cancelTick();
      spinner.stop();
    },
  };
}
