import { join } from "node:path";
import type { Session } from "#daemon/session/session.js";
import {
  type AuthorizationServer,
  createTestUser,
  startAuthorizationServer,
  type TestUser,
} from "./authorization-server.js";
import { createDisk } from "./disk.js";
import { readAuthJson } from "./logins.js";
import { createSessionHarness, type SessionHarness } from "./session-harness.js";
import { createSettableClock } from "./settable-clock.js";

/** Longer than what must lie between two forced exchanges. */
export const FORCED_INTERVAL_MS = 11_000;

type Test = Parameters<typeof createSessionHarness>[0];

export interface LoginScene extends SessionHarness {
  readonly issuer: AuthorizationServer;
  readonly other: TestUser;
  readonly clock: ReturnType<typeof createSettableClock>;
  readonly disk: ReturnType<typeof createDisk>;
  readonly session: Session;
  readonly file: string;
}

/** A session with a login, on a file and a disk that can fail, before a strict issuer. */
export async function sceneWithLogin(t: Test): Promise<LoginScene> {
  const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
  const issuer = await startAuthorizationServer(t, { users: [createTestUser(), other] });
  const clock = createSettableClock();
  const disk = createDisk();
  const harness = createSessionHarness(t, issuer, { clock, wrapStorage: disk.wrapStorage });
  harness.login();
  const session = await harness.open();
  return { ...harness, issuer, other, clock, disk, session, file: join(harness.home, "auth.json") };
}

/** The refresh token in the file. */
export const storedToken = (home: string): string => readAuthJson(home).tokens.refresh_token;
/** The one refresh token that the issuer accepts. */
export const livingToken = (issuer: AuthorizationServer): string | undefined =>
  issuer.families[0]?.refreshTokens.at(-1)?.value;

/** The login is whole: what is stored is what the issuer accepts, it can be refreshed, and nothing was spent twice. */
export async function isWhole({ issuer, clock, session, home }: LoginScene): Promise<boolean> {
  if (storedToken(home) !== livingToken(issuer)) return false;
  clock.jump(FORCED_INTERVAL_MS);
  const { state } = await session.refresh();
  return state === "active" && storedToken(home) === livingToken(issuer) && issuer.reuses === 0;
}
