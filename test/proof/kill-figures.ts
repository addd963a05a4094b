import { type Examination, type Fault, PHASES, type Phase } from "./kill-examination.js";
import { bounded, exactly, type Figure, informative } from "./proof.js";

/** How the phases are called in the table. */
const PHASE_NAMES: Readonly<Record<Phase, string>> = {
  before: "before anything was written",
  intended: "intent on record, nothing sent",
  sent: "sent, no answer on record",
  answered: "answer on record, not stored",
  stored: "stored, not yet told",
  told: "stored and told",
};

const FAULT_NAMES: Readonly<Record<Fault, string>> = {
  torn: "files that are neither the old login nor the new one",
  forgotten: "tokens that were given out and are not on disk",
  silent: "logins lost of which the next daemon does not say why",
  presented: "tokens that may be spent, presented by the next daemon",
  unwell: "logins that are whole and do not serve in the next daemon",
};

/** Both kinds of victims together: what may not happen may not happen to either. */
export function killFigures(run: {
  readonly layers: readonly Examination[];
  readonly daemons: readonly Examination[];
  readonly reuses: number;
}): Figure[] {
  const all = [...run.layers, ...run.daemons];
  const sum = (count: (examination: Examination) => number): number =>
    all.reduce((total, examination) => total + count(examination), 0);
  return [
    informative("kills of the session layer", run.layers.length),
    informative("kills of the real daemon", run.daemons.length),
    ...PHASES.map((name) =>
      informative(
        `killed: ${PHASE_NAMES[name]}`,
        sum(({ phase }) => Number(phase === name)),
      ),
    ),
    informative(
      "logins lost, and said so",
      sum(({ isLost, faults }) => Number(isLost && !faults.includes("silent"))),
    ),
    ...Object.entries(FAULT_NAMES).map(([fault, name]) =>
      bounded(
        name,
        sum(({ faults }) => Number(faults.includes(fault as Fault))),
        exactly(0),
      ),
    ),
    bounded("spent refresh tokens presented", run.reuses, exactly(0)),
    informative(
      "temporary files left by a kill",
      sum(({ temporaryFiles }) => temporaryFiles),
    ),
    bounded(
      "temporary files that the next daemon leaves there",
      sum(({ temporaryFilesLater }) => temporaryFilesLater),
      exactly(0),
    ),
  ];
}
