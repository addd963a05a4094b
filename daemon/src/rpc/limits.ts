/** Every bound of what listens, in one place. The defaults are the product's; tests pass smaller ones. */
export interface RpcLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly timeoutCheckMs: number;
  readonly headerMaxBytes: number;
  readonly bodyMaxBytes: number;
  readonly jsonMaxDepth: number;
  readonly batchMaxCalls: number;
  readonly callsMax: number;
  readonly connectionsMax: number;
  readonly subscribersMax: number;
  readonly subscriberQueueMax: number;
  readonly heartbeatMs: number;
}

export const RPC_LIMITS: RpcLimits = {
  /** From the connection, or the first byte of a further request, to the end of the headers. A local caller needs one. */
  headersTimeoutMs: 5_000,
  /** From there to the end of the body: 64 KiB over a local socket. How long a call then takes is not bounded here. */
  requestTimeoutMs: 10_000,
  /** A connection without a request. Over the time between two calls of a busy client, under "for ever". */
  keepAliveTimeoutMs: 30_000,
  /** A connection on which nothing moves, though a call or an answer is under way. The longest call waits 60 s. */
  silenceTimeoutMs: 120_000,
  /** Node looks for the first two of these this often, so each may last this much longer. */
  timeoutCheckMs: 1_000,
  /** A request line that names a Codex home of PATH_MAX bytes, percent-encoded in part, and some headers. */
  headerMaxBytes: 16_384,
  /** The largest call is a redirect URL of 8 KiB; a batch of some is under this. */
  bodyMaxBytes: 65_536,
  /** The deepest call is a batch of one child environment's variables: 5 levels. */
  jsonMaxDepth: 16,
  /** More calls than there are methods, few enough that one body is no flood. */
  batchMaxCalls: 32,
  /** Bodies in work at once: pipelining lets one connection send any number. Above all callers of a busy machine. */
  callsMax: 1_024,
  /** Under the soft limit of 1024 descriptors that many systems start with, so that there is always one to store a token with. */
  connectionsMax: 512,
  /** Event streams, each of which holds a connection for as long as its reader likes. */
  subscribersMax: 64,
  /** Sessions and logins that a stream's reader may be behind with, one newest state each; then it is cut off. */
  subscriberQueueMax: 256,
  /** A comment that keeps an idle stream known as alive. A reader that has taken nothing in between two is cut off. */
  heartbeatMs: 15_000,
};
