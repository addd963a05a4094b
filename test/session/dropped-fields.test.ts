/** Who puts back what a Codex dropped from auth.json; what is put back, and when, is in test/storage/dropped-fields.test.ts. */
import { writeFileSync } from "node:fs";
import t from "tap";
import type { Session } from "#daemon/session/session.js";
import { type LoginScene, sceneWithLogin } from "../helpers/login-scene.js";
import { readAuthJson } from "../helpers/logins.js";

async function noteSeenBy({ home, file }: LoginScene, ...sessions: Session[]): Promise<void> {
  writeFileSync(file, JSON.stringify({ ...readAuthJson(home), note: 1 }));
  for (const session of sessions) await session.freshStatus();
}

t.test("the daemon that owns the login puts back what was dropped, and no other", async (t) => {
  const scene = await sceneWithLogin(t);
  const { session, home, login } = scene;
  const other = await scene.restartedBeside().open();
  await noteSeenBy(scene, session, other);
  scene.disk.isWatched = false;
  login();
  await other.freshStatus();
  t.notOk("note" in readAuthJson(home));
  await session.freshStatus();
  t.match(readAuthJson(home), { note: 1 });
  t.match(session.status(), { state: "active", storageState: "stored" });
});

t.test("where it cannot be put back, the login goes on as if nothing had been there", async (t) => {
  const scene = await sceneWithLogin(t);
  const { session, home, login, disk } = scene;
  await noteSeenBy(scene, session);
  disk.isFull = true;
  login();
  const status = await session.freshStatus();
  t.match(status, { state: "active", storageState: "stored", lastError: null, warnings: [] });
  t.match(await session.getToken({}), { accessToken: readAuthJson(home).tokens.access_token });
});
