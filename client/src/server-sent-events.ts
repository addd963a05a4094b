/** `text/event-stream` as the HTML standard has it (§9.2.6), as far as a daemon on a Unix socket uses it. */

/** One event: its name and its data lines, joined. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** A snapshot of some hundred sessions fits many times; this only bounds what is not the daemon. */
const MAX_EVENT_LENGTH = 8 * 1024 * 1024;

/**
 * The events of a stream, each at the blank line that ends it; comments and a last, unfinished event are dropped.
 * @throws RangeError when an event is longer than 8 MiB
 */
export async function* parseServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    if (rest.length > MAX_EVENT_LENGTH) throw new RangeError("An event of the daemon is longer than 8 MiB.");
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event) yield event;
    }
  }
}

function parseBlock(block: string): ServerSentEvent | undefined {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === "event") event = value ?? event;
    if (field === "data") data.push(value ?? "");
  }
  return data.length === 0 ? undefined : { event, data: data.join("\n") };
}
