import type { AppServer } from "@codex-authd/client/app-server";

interface Turn {
  readonly status: string;
  readonly error: { readonly message: string } | null;
  readonly items: readonly { readonly type: string; readonly text?: string }[];
}

/** One question in a thread of its own, and the answer. */
export async function ask(server: AppServer, question: string): Promise<string> {
  const started = await server.request("thread/start", { ephemeral: true, sandbox: "read-only" });
  const threadId = (started as { thread: { id: string } }).thread.id;
  const { promise, resolve } = createDeferred<Turn>();
  const stopListening = server.on("notification", ({ method, params }) => {
    const end = params as { threadId: string; turn: Turn };
    if (method === "turn/completed" && end.threadId === threadId) resolve(end.turn);
  });
  const input = [{ type: "text", text: question, text_elements: [] }];
  await server.request("turn/start", { threadId, input });
  const { status, error, items } = await promise;
  stopListening();
  if (status !== "completed") throw new Error(error?.message ?? status);
  return items.findLast(({ type }) => type === "agentMessage")?.text ?? "";
}

function createDeferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
