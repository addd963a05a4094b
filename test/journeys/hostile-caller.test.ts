import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { callError } from "../helpers/socket-call.js";

/** A proxy that a caller would like the refresh token to pass through. */
async function startTrap(t: Test): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
  };
}

t.test(
  "a caller that brings its own CA, proxy or issuer changes nothing of where the refresh token goes",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const trap = await startTrap(t);
    const hostile = {
      CODEX_CA_CERTIFICATE: "/tmp/evil.pem",
      SSL_CERT_FILE: "/tmp/evil.pem",
      HTTPS_PROXY: trap.url,
      HTTP_PROXY: trap.url,
      ALL_PROXY: trap.url,
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${trap.url}/oauth/token`,
      CODEX_APP_SERVER_LOGIN_ISSUER: trap.url,
    };
    const daemon = await startDaemon(t, { issuer, env: hostile });
    writeLogin(daemon.codexHome, issuer);

    for (const [name, value] of Object.entries(hostile)) {
      const childEnvironment = { cwd: "/", variables: { CODEX_HOME: daemon.codexHome, [name]: value } };
      const refused = await callError(daemon.socket, "session/refresh", { childEnvironment });
      t.match(refused, { code: -32602 }, `${name} does not cross the socket`);
    }
    for (const name of ["issuer", "proxy", "ca", "clientId"]) {
      const refused = await callError(daemon.socket, "session/refresh", { [name]: trap.url });
      t.match(refused, { code: -32602, message: new RegExp(name) }, `no caller can set ${name}`);
    }
    t.equal(issuer.requestsTo("refresh").length, 0);

    const { code, stderr } = await daemon.cli(["refresh"], { env: hostile });
    t.equal(code, 0, stderr);
    t.equal(issuer.exchanges, 1, "the issuer of the configuration got it");
    t.equal(trap.connections(), 0, "and nobody else");
  },
);
