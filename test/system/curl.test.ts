import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createPlace } from "../helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { requireTools, runTool } from "../helpers/system-tool.js";

requireTools("sh", "curl");

const README = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");

t.test("the README's line for shells prints the token", async (t) => {
  const line = /^curl .*$/m.exec(README)?.[0] ?? "";
  t.match(line, "/v1/token");
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer });
  writeLogin(place.codexHome, issuer);
  const env = { CODEX_AUTHD_SOCKET: undefined, XDG_RUNTIME_DIR: join(place.home, "xdg") };
  t.equal((await place.cli(["daemon", "start"], { env })).code, 0);
  t.teardown(() => place.cli(["daemon", "stop"], { env }));

  const shell = { PATH: process.env.PATH, XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR };
  const { code, stdout } = runTool(["sh", "-c", line], shell);
  t.equal(code, 0);
  t.equal(stdout.trim(), readAuthJson(place.codexHome).tokens.access_token);
});
