import type { Session } from "../../session/session.js";
import type { Sessions } from "../../session/sessions.js";
import type { CallContext } from "../handlers.js";

/** The session that a caller means; the audit trail gets to know which. */
export async function openSession(
  sessions: Sessions,
  selector: Parameters<Sessions["open"]>[0],
  { subject }: CallContext,
): Promise<Session> {
  const session = await sessions.open(selector);
  subject.codexHome = session.codexHome;
  return session;
}
