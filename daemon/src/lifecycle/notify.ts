import type { Clock } from "@codex-authd/shared";
import type { Log } from "../log.js";
import { type NotifySocket, openNotifySocket } from "../native/notify-socket.js";
import type { Supervision } from "./supervision.js";

/** Tells the service manager how we are; says nothing where there is none. */
export interface Notifier {
  /** Serving from now on. Signs of life follow, from the event loop, so that a daemon that hangs gives none. */
  ready(): void;
  /** Shows a line for `systemctl status`, now and after every change. It holds no secret. */
  follow(subject: NotifySubject): void;
  /** On the way out. */
  stopping(): void;
}

export interface NotifySubject {
  summary(): string;
  onChange(listener: () => void): void;
}

export interface NotifierOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: {@link openNotifySocket}. */
  readonly open?: (address: string) => NotifySocket | undefined;
}

/** Speaks sd_notify(3) to whoever `supervision` names. */
export function createNotifier(
  { notifyAddress, watchdogMs }: Supervision,
  { clock, log, open = openNotifySocket }: NotifierOptions,
): Notifier {
  const socket = notifyAddress === undefined ? undefined : open(notifyAddress);
  if (notifyAddress !== undefined && !socket) {
    const reason =
      "koffi is not installed, or the address is of an unknown kind; with Type=notify this is fatal";
    log.error({ event: "notify.unavailable", path: notifyAddress, reason });
  }
  let stopBeating = (): void => {};
  const send = (text: string): void => {
    try {
      socket?.send(text);
    } catch (error) {
      log.warn({ event: "notify.failed", error });
    }
  };
  const beat = (everyMs: number): void => {
    stopBeating = clock.setTimer(everyMs, () => {
      send("WATCHDOG=1");
      beat(everyMs);
    });
  };
  return {
    ready() {
      send("READY=1");
      // Half of what is allowed, as sd_watchdog_enabled(3) recommends.
      if (socket && watchdogMs !== undefined) beat(watchdogMs / 2);
    },
    follow(subject) {
      const show = (): void => send(`STATUS=${subject.summary()}`);
      subject.onChange(show);
      show();
    },
    stopping() {
      stopBeating();
      send("STOPPING=1");
    },
  };
}
