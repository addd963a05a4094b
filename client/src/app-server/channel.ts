/** What a connection to an app-server goes over: the stdio of a child of ours, or a WebSocket. */

/** How a connection came to its end. */
export interface AppServerEnd {
  /** In words, with what to do next where something can be done. */
  readonly message: string;
  /** `null` after a signal, and where there is no process of ours. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what the process wrote to stderr, at most 8 KiB. */
  readonly stderr: string;
}

export interface ChannelHandlers {
  /** One message as text. */
  readonly onText: (text: string) => void;
  /** Called once; nothing comes after it. */
  readonly onEnd: (end: AppServerEnd) => void;
}

export interface Channel {
  /** True when other clients are at the same app-server, who may answer its requests. */
  readonly isShared: boolean;
  /** Begins to deliver. Called once. */
  open(handlers: ChannelHandlers): void;
  /** Sends one message; resolves when the other side takes more. Does nothing after the end. */
  send(text: string): Promise<void>;
  /** Stops reading, so that the app-server is held back, until {@link Channel.resume}. */
  pause(): void;
  resume(): void;
  /** Ends it, and the process behind it if it is ours. Resolves when it has ended; idempotent. */
  close(): Promise<void>;
}
