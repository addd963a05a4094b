/** The one way in which requests go to an issuer. */
import type { Http, HttpResponse } from "../net/http.js";
import type { HttpFailure } from "../net/http-failure.js";
import { type Exchange, refusal, unanswered } from "./oauth-error.js";

export interface IssuerRequest {
  readonly exchange: Exchange;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a POST and resolves with a 2xx answer.
 * @throws OAuthError for any other answer, or none; the signal's reason when it aborts a login
 */
export async function postToIssuer(http: Http, request: IssuerRequest): Promise<HttpResponse> {
  const { exchange, signal, ...rest } = request;
  const response = await http
    .request({ ...rest, method: "POST", ...(signal === undefined ? {} : { signal }) })
    .catch((error: unknown) => {
      if (!isHttpFailure(error)) throw error;
      // Whoever gave up a login knows; whoever cut a refresh off has to hear whether the token may be spent.
      if (exchange === "login") signal?.throwIfAborted();
      throw unanswered(error, exchange);
    });
  if (response.status < 200 || response.status > 299) throw refusal(response, exchange);
  return response;
}

/** By name: this layer knows the shape of the HTTP it is given, and loads none. */
function isHttpFailure(error: unknown): error is HttpFailure {
  return error instanceof Error && error.name === "HttpFailure";
}
