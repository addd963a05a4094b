import type { ServerResponse } from "node:http";
import type { Clock } from "@codex-authd/shared";
import {
  type AuthorizationResponse,
  isSameState,
  parseAuthorizationResponse,
} from "./authorization-response.js";
import { sendPage, type TextAnswer } from "./loopback-answer.js";
import { cancelledPage } from "./pages/cancelled.js";
import type { LoopbackPage } from "./pages/layout.js";
import { unfinishedPage } from "./pages/unfinished.js";

/** How the wait for a redirect ends: with the issuer's response, or because somebody cancelled it. */
export type RedirectResponse = AuthorizationResponse | { readonly kind: "cancelled" };

/** One login that waits for its authorization response. */
export interface PendingRedirect {
  /** For the authorization request, such as `http://localhost:1455/auth/callback`. */
  readonly redirectUri: string;
  /** The first authorization response with this login's `state`. Never rejects. */
  readonly response: Promise<RedirectResponse>;
  /** Shows the person how it ended. Their browser waits for it, for a minute at most. */
  answer(page: LoopbackPage): void;
  /** Expects nothing any more. A browser that still waits is told that the login was cancelled. */
  close(): void;
}

/** Longer than the token request (45 s) that the page waits for, shorter than the patience of browsers (2 to 5 minutes). */
const HOLD_DEADLINE_MS = 60_000;

export interface ExpectedRedirectOptions {
  readonly state: string;
  readonly redirectUri: string;
  readonly clock: Clock;
  readonly onClosed: (redirect: ExpectedRedirect) => void;
}

/** The listener's side of a {@link PendingRedirect}: the response that it gets, and the browser that it keeps waiting. */
export class ExpectedRedirect implements PendingRedirect {
  readonly redirectUri: string;
  readonly response: Promise<RedirectResponse>;
  readonly #options: ExpectedRedirectOptions;
  #settle: (response: RedirectResponse) => void = () => {};
  #waiting: ServerResponse | undefined;
  #page: LoopbackPage | undefined;

  constructor(options: ExpectedRedirectOptions) {
    this.#options = options;
    this.redirectUri = options.redirectUri;
    this.response = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  isFor(state: string): boolean {
    return isSameState(state, this.#options.state);
  }

  /**
   * Takes the response that `url` holds, if it is the first, and keeps the browser waiting for its page. Returns what to
   * answer instead while another request is being kept waiting.
   */
  receive(url: URL, browser: ServerResponse): TextAnswer | undefined {
    if (this.#waiting !== undefined) return { status: 409, text: "This sign-in was already received" };
    this.#keepWaiting(browser);
    this.#settle(parseAuthorizationResponse(url));
    // A page that was reloaded is shown how it ended.
    if (this.#page !== undefined) this.#show(this.#page);
    return undefined;
  }

  cancel(): void {
    this.#settle({ kind: "cancelled" });
  }

  answer(page: LoopbackPage): void {
    this.#page = page;
    this.#show(page);
  }

  close(): void {
    this.cancel();
    this.#show(cancelledPage());
    this.#options.onClosed(this);
  }

  #keepWaiting(browser: ServerResponse): void {
    this.#waiting = browser;
    const stopTimer = this.#options.clock.setTimer(HOLD_DEADLINE_MS, () => this.#show(unfinishedPage()));
    browser.once("close", () => {
      stopTimer();
      if (this.#waiting === browser) this.#waiting = undefined;
    });
  }

  #show(page: LoopbackPage): void {
    if (this.#waiting !== undefined) sendPage(this.#waiting, page);
    this.#waiting = undefined;
  }
}
