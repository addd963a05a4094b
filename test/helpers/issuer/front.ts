import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./answers.js";
import { apiError, json } from "./answers.js";
import { type Endpoint, type EndpointName, endpointOf } from "./endpoint.js";
import type { FaultScript, Step } from "./fault-script.js";
import type { Delivery } from "./faults.js";
import { type RecordedRequest, readRequest, recordRequest, targetOf } from "./requests.js";
import { type IssuerSettings, issuerNowMs } from "./settings.js";

/** What the HTTP side needs of the server. */
export interface FrontOptions {
  readonly endpoints: Readonly<Record<EndpointName, Endpoint>>;
  readonly faults: FaultScript;
  readonly settings: IssuerSettings;
  readonly requests: RecordedRequest[];
  report(violation: string): void;
  log(line: string): void;
}

/** Creates the listener that records, inspects, faults and answers every request of the protocol. */
export function createFront(
  options: FrontOptions,
): (message: IncomingMessage, response: ServerResponse) => void {
  return (message, response) => {
    serve(options, message, response).catch((error: unknown) => {
      if (message.destroyed && !message.complete) return; // The client went away while it was sending.
      options.report(`the authorization server itself failed: ${error}`);
      send(response, apiError(500, "server_error", "The test server failed."), options.settings);
    });
  };
}

/** Sends an answer, with the Date of the issuer's clock. */
export function send(response: ServerResponse, answer: Answer, settings: IssuerSettings): void {
  writeHead(response, answer, settings);
  response.end(answer.body);
}

async function serve(
  options: FrontOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const endpoint = endpointOf(
    message.method ?? "",
    targetOf(message).pathname,
    message.headers["content-type"],
  );
  const step = options.faults.take(endpoint);
  const request = await admit(message, endpoint, step);
  options.requests.push(request);
  logWhenDone(request, response, options);
  if (step?.isResetUnread) message.socket.resetAndDestroy();
  else deliver(await answerOf(request, step, options), response, options.settings);
}

async function admit(message: IncomingMessage, endpoint: EndpointName | undefined, step: Step | undefined) {
  if (step?.isResetUnread) return recordRequest(message, { endpoint, atMs: Date.now(), body: "" });
  return readRequest(message, endpoint);
}

async function answerOf(
  request: RecordedRequest,
  step: Step | undefined,
  { endpoints, report }: FrontOptions,
): Promise<Delivery> {
  if (request.endpoint === undefined) {
    report(`${request.method} ${request.path} is no endpoint`);
    return { kind: "whole", answer: json(404, { detail: "Not Found" }) };
  }
  const endpoint = endpoints[request.endpoint];
  const departures = endpoint.inspect(request);
  for (const departure of departures) report(`${request.endpoint}: ${departure}`);
  const commit = (asUser?: Parameters<Endpoint["handle"]>[1]) =>
    departures.length > 0 ? endpoint.refuse(departures) : endpoint.handle(request, asUser);
  return step === undefined ? { kind: "whole", answer: commit() } : step.play(request, commit);
}

function deliver(delivery: Delivery, response: ServerResponse, settings: IssuerSettings): void {
  if (delivery.kind === "reset") response.socket?.resetAndDestroy();
  if (delivery.kind === "whole") send(response, delivery.answer, settings);
  if (delivery.kind === "half") sendHalf(response, delivery.answer, settings);
}

/** Promises the whole body, sends half of it, and closes the connection. */
function sendHalf(response: ServerResponse, answer: Answer, settings: IssuerSettings): void {
  writeHead(response, answer, settings);
  const body = Buffer.from(answer.body);
  response.write(body.subarray(0, body.length / 2), () => response.socket?.end());
}

function writeHead(
  response: ServerResponse,
  { status, headers, body }: Answer,
  settings: IssuerSettings,
): void {
  response.writeHead(status, {
    ...headers,
    date: new Date(issuerNowMs(settings)).toUTCString(),
    "content-length": Buffer.byteLength(body),
  });
}

/** Names no parameter: a log of tokens would outlive the test. */
function logWhenDone(request: RecordedRequest, response: ServerResponse, { log }: FrontOptions): void {
  response.once("close", () => {
    if (response.headersSent) request.status = response.statusCode;
    log(
      `${request.method} ${request.path} (${request.endpoint ?? "unknown"}) ${request.status ?? "no answer"}`,
    );
  });
}
