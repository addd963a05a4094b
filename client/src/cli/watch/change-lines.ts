/** The view where there is no terminal: one line a change. */
import type { EpochMs, SessionStatus } from "@codex-authd/shared";
import type { AuthEvent } from "../../events.js";
import { formatTime, printable } from "../format.js";
import { sessionReason, sessionSentence } from "../session-view.js";

/** What an event says, in words. */
export function changeLines(event: AuthEvent, nowMs: EpochMs): string[] {
  const time = formatTime(nowMs, nowMs);
  if (event.type === "snapshot") {
    const { sessions } = event.data;
    return sessions.length === 0
      ? [`${time} no sessions`]
      : sessions.map((session) => `${time} ${words(session, nowMs)}`);
  }
  if (event.type === "session/changed") {
    const { cause, session } = event.data;
    return [`${time} ${cause}: ${words(session, nowMs)}`];
  }
  const { flow, state, code, codexHome } = event.data;
  const end = code === null ? state : `${state} (${code})`;
  return [`${time} login, ${flow}: ${end}: ${printable(codexHome)}`];
}

function words(session: SessionStatus, nowMs: EpochMs): string {
  const place = printable(session.sessionName === null ? session.codexHome : `memory ${session.sessionName}`);
  const state =
    session.state === "active" ? sessionSentence(session, nowMs) : `Not logged in: ${sessionReason(session)}`;
  return `${place}: ${state}`;
}
