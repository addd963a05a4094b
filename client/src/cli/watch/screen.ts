/** The whole terminal for as long as the view lives: drawn over, never cleared, and given back as it was. */
import type { OutputStream } from "../terminal.js";

const ESC = "\u001b[";

/** The alternate screen, so that what was there comes back; and no cursor to jump about. */
const ENTER = `${ESC}?1049h${ESC}?25l`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;

/** A terminal that knows it shows all of a frame at once; others ignore it. */
const BEGIN_FRAME = `${ESC}?2026h`;
const END_FRAME = `${ESC}?2026l`;

const HOME = `${ESC}H`;
const ERASE_LINE = `${ESC}K`;
const ERASE_BELOW = `${ESC}J`;

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Draws over the frame before; one write, so that no half of it is ever seen. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back; idempotent. */
  close(): void;
  /** Takes it again, after a {@link Screen.close} for a suspension. */
  open(): void;
}

/** Takes over the terminal behind `output`. It is given back at the end of the process, however that comes. */
export function openScreen(output: OutputStream): Screen {
  let isOpen = false;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    output.write(LEAVE);
    process.off("exit", close);
  };
  const open = (): void => {
    isOpen = true;
    output.write(ENTER);
    process.on("exit", close);
  };
  open();
  return {
    get columns() {
      return output.columns ?? 80;
    },
    get rows() {
      return output.rows ?? 24;
    },
    draw(lines) {
      if (!isOpen) return;
      const drawn = lines.map((line) => line + ERASE_LINE).join("\r\n");
      output.write(BEGIN_FRAME + HOME + drawn + ERASE_BELOW + END_FRAME);
    },
    close,
    open,
  };
}
