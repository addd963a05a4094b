import type { Session } from "./session.js";

/** How many sessions there are and how they are, in a line for people: `3 sessions: 2 active, 1 signed out`. */
export function summaryOf(sessions: readonly Session[]): string {
  const states = sessions.map((session) => session.status().state);
  const count = (state: (typeof states)[number], words: string): string[] => {
    const number = states.filter((other) => other === state).length;
    return number === 0 ? [] : [`${number} ${words}`];
  };
  const parts = [
    ...count("active", "active"),
    ...count("reauthorizationRequired", "to be logged in again"),
    ...count("signedOut", "signed out"),
  ];
  const total = states.length === 1 ? "1 session" : `${states.length} sessions`;
  return parts.length === 0 ? total : `${total}: ${parts.join(", ")}`;
}
