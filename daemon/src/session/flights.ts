/**
 * S1, one flight: at most one exchange is in flight per refresh token, whichever sessions hold it. Keyed by the token's
 * fingerprint; a flight is detached from whoever waits for it.
 */
export class Flights<T> {
  readonly #inFlight = new Map<string, Promise<T>>();

  /** Joins the flight of this key, or starts it. */
  join(key: string, start: () => Promise<T>): Promise<T> {
    const running = this.#inFlight.get(key);
    if (running) return running;
    const flight = start().finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, flight);
    return flight;
  }
}
