/**
 * An app-server on another machine, or behind a socket, that works with the login of this one. It is handed access tokens over
 * the connection; its own Codex home holds nothing.
 *
 *     codex app-server --listen ws://127.0.0.1:4500          # there
 *     node remote-app-server.js ws://127.0.0.1:4500          # here; also wss://… and unix:///path/of/the.sock
 *
 * `npm run example remote-app-server` runs both without an account and without the internet.
 */
import { createAuthClient } from "@codex-authd/client";
import { connectRemoteAppServer } from "@codex-authd/client/app-server";
import { ask } from "./ask.js";

const [, , url = "ws://127.0.0.1:4500"] = process.argv;

await using auth = createAuthClient();

await using server = await connectRemoteAppServer({
  url,
  // What its `--ws-auth` asks for, if it does.
  token: process.env.APP_SERVER_TOKEN,
  auth,
  clientInfo: { name: "remote-example", title: null, version: "1.0.0" },
  experimentalApi: true,
  oauth: { mode: "external", interactive: false },
});
server.on("authFailure", ({ code, message }) => console.error(`${message} (${code})`));

console.log(`Connected to ${server.initialized.userAgent}, as ${server.session.email}.`);
console.log(await ask(server, "Say hello."));
