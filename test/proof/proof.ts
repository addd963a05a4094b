/** What a proof is: one claim of ours, tried for minutes on real programs, and the figures that came of it. */
import type { Teardown } from "../helpers/daemon-place.js";

export interface Proof {
  /** What it is called on the command line, and in docs/proof. */
  readonly name: string;
  /** The claim, as a sentence without its full stop. */
  readonly title: string;
  /** What is started is ended through the options' `teardown`, last in, first out, also when this throws. */
  run(options: ProofOptions): Promise<ProofResult>;
}

export interface ProofOptions extends Teardown {
  /** The form that every test run has time for: at most 10 s, and no bound that a busy machine can miss. */
  readonly isShort: boolean;
  /** Tells a person who waits how far it is; goes to stderr. */
  note(progress: string): void;
}

export interface ProofResult {
  readonly figures: readonly Figure[];
  /** How it was measured, and what the figures mean: Markdown, true of the run that has just ended. */
  readonly prose: string;
}

/** One line of the table. */
export interface Figure {
  readonly name: string;
  readonly value: number | string;
  /** For people; '' where the figure only informs. */
  readonly bound: string;
  /** `null` where there is no bound. */
  readonly met: boolean | null;
}

/** What a figure has to be. */
export interface Bound {
  readonly relation: "=" | "≤" | "≥";
  readonly value: number;
}

/** A figure that is judged. */
export function bounded(name: string, value: number, bound: Bound): Figure {
  return { name, value, bound: `${bound.relation} ${bound.value}`, met: isMet(bound, value) };
}

/** A figure that only informs. */
export function informative(name: string, value: number | string): Figure {
  return { name, value, bound: "", met: null };
}

export function exactly(value: number): Bound {
  return { relation: "=", value };
}

export function atMost(value: number): Bound {
  return { relation: "≤", value };
}

export function atLeast(value: number): Bound {
  return { relation: "≥", value };
}

function isMet({ relation, value: bound }: Bound, value: number): boolean {
  if (relation === "=") return value === bound;
  return relation === "≤" ? value <= bound : value >= bound;
}
