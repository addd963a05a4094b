/** The keys of a live view, while the terminal hands over each as it is pressed. */
import type { InputStream } from "../terminal.js";

export interface Keys {
  readonly onQuit: () => void;
  readonly onSuspend: () => void;
}

/** `q`, Ctrl-C, Ctrl-D, and the end of the input. */
const QUIT = ["q", "Q", "\u0003", "\u0004"];

/** Ctrl-Z. */
const SUSPEND = "\u001a";

/** Listens until the returned function is called, which gives the terminal its own keys back. */
export function listenToKeys(input: InputStream, { onQuit, onSuspend }: Keys): () => void {
  const read = (bytes: Buffer | string): void => {
    const keys = bytes.toString();
    if (QUIT.some((key) => keys.includes(key))) onQuit();
    else if (keys.includes(SUSPEND)) onSuspend();
  };
  input.setRawMode?.(true);
  input.on("data", read).once("end", onQuit).resume();
  return () => {
    input.off("data", read).off("end", onQuit).pause();
    input.setRawMode?.(false);
  };
}
