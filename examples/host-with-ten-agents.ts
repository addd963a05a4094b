/**
 * A host with ten agents, each a `codex app-server` of its own, under one login. They are handed access tokens and keep
 * nothing; when the token of all ten is refused at the same moment, the daemon exchanges the refresh token once.
 *
 * `npm run example host-with-ten-agents` runs it without an account and without the internet.
 */
import { type AuthClient, createAuthClient } from "@codex-authd/client";
import { type AppServer, connectAppServer } from "@codex-authd/client/app-server";
import { ask } from "./ask.js";

const AGENTS = 10;

// One client for all of them: it starts the daemon where none runs.
await using auth = createAuthClient();

// One login, before ten would ask for it. A browser opens where there is one.
const session = await auth.login({
  onAuthorization: (pending) =>
    console.log(
      pending.flow === "browser"
        ? `Log in: ${pending.authorizationUrl}`
        : `Log in: ${pending.verificationUri}, with the code ${pending.userCode}`,
    ),
});
console.log(`Working as ${session.email}.`);

const agents = await Promise.all(Array.from({ length: AGENTS }, (_, index) => startAgent(auth, index + 1)));
try {
  const answers = await Promise.all(agents.map((agent) => ask(agent, "Say hello.")));
  for (const [index, answer] of answers.entries()) console.log(`agent ${index + 1}: ${answer}`);
} finally {
  await Promise.all(agents.map((agent) => agent.close()));
}

async function startAgent(auth: AuthClient, number: number): Promise<AppServer> {
  const agent = await connectAppServer({
    auth,
    clientInfo: { name: "ten-agents", title: null, version: "1.0.0" },
    // Codex takes external tokens only from a host that asks for its experimental methods.
    experimentalApi: true,
    oauth: { mode: "external", interactive: false },
  });
  // Codex shows a person a number. These are the words, and the host decides what to do with them.
  agent.on("authFailure", ({ code, message }) => console.error(`agent ${number}: ${message} (${code})`));
  return agent;
}
