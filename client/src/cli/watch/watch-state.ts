/** What is known of the sessions, from the daemon's events. */
import type { LoginChangedEvent, SessionStatus } from "@codex-authd/shared";
import type { AuthEvent } from "../../events.js";
import type { WatchView } from "./frame.js";

export const NOTHING_YET: WatchView = { isConnected: false, sessions: [], logins: [], callers: [] };

/** The view after an event. A snapshot replaces what was known. */
export function afterEvent(view: WatchView, event: AuthEvent): WatchView {
  switch (event.type) {
    case "snapshot":
      return { ...view, isConnected: true, sessions: event.data.sessions, logins: [] };
    case "session/changed":
      return { ...view, sessions: withSession(view.sessions, event.data.session) };
    case "login/changed":
      return { ...view, logins: withLogin(view.logins, event.data) };
  }
}

function withSession(sessions: readonly SessionStatus[], changed: SessionStatus): SessionStatus[] {
  const isSame = ({ codexHome, sessionName }: SessionStatus): boolean =>
    codexHome === changed.codexHome && sessionName === changed.sessionName;
  const index = sessions.findIndex(isSame);
  return index === -1 ? [...sessions, changed] : sessions.with(index, changed);
}

function withLogin(logins: readonly LoginChangedEvent[], changed: LoginChangedEvent): LoginChangedEvent[] {
  const others = logins.filter(({ loginId }) => loginId !== changed.loginId);
  return changed.state === "pending" ? [...others, changed] : others;
}
