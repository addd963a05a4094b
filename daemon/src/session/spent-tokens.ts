/** A token that was spent longer ago than this many rotations is not going to be put back by anybody. */
const RING_SIZE = 64;

/** Fingerprints of refresh tokens that were rotated away or refused: whoever finds one on disk does not believe it. */
export class SpentTokens {
  readonly #ring: string[] = [];

  add(fingerprint: string): void {
    if (this.#ring.push(fingerprint) > RING_SIZE) this.#ring.shift();
  }

  has(fingerprint: string): boolean {
    return this.#ring.includes(fingerprint);
  }
}
