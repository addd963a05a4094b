import type { Arm, ArmResult } from "./fleet.js";
import { atLeast, bounded, exactly, type Figure, informative } from "./proof.js";

export interface Arms {
  readonly alone: Arm;
  readonly beside: Arm;
  readonly aloneResult: ArmResult;
  readonly besideResult: ArmResult;
}

export function fleetFigures({ alone, beside, aloneResult, besideResult }: Arms): Figure[] {
  return [...figuresAlone(alone, aloneResult), ...figuresBeside(beside, besideResult)];
}

function figuresAlone({ processes, seconds }: Arm, result: ArmResult): Figure[] {
  return [
    bounded(`without the daemon, ${seconds} s: exchanges tried by Codex`, result.byCodex, atLeast(1)),
    informative("without: spent refresh tokens presented", result.reuses),
    informative("without: logins revoked by the issuer", result.familiesRevoked),
    informative("without: answers without a token", `${result.answersWithoutToken} of ${result.answers}`),
    informative("without: signed out at the end", `${result.signedOut} of ${processes}`),
  ];
}

function figuresBeside({ seconds }: Arm, result: ArmResult): Figure[] {
  return [
    bounded(`beside the daemon, ${seconds} s: exchanges tried by Codex`, result.byCodex, exactly(0)),
    bounded("beside: exchanges by the daemon", result.byDaemon, atLeast(1)),
    bounded("beside: answers without a token", result.answersWithoutToken, exactly(0)),
    informative("beside: answers", result.answers),
    informative("beside: exchanges by Codex in the forced refreshes at the end", result.forced),
    bounded("beside: of their tokens, not served by the daemon", result.forced - result.adopted, exactly(0)),
    bounded("beside: spent refresh tokens presented", result.reuses, exactly(0)),
    bounded("beside: logins revoked by the issuer", result.familiesRevoked, exactly(0)),
    bounded("beside: signed out at the end", result.signedOut, exactly(0)),
    bounded("beside: requests that depart from upstream's form", result.violations.length, exactly(0)),
  ];
}
