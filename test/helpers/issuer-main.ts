import { parseArgs } from "node:util";
import { createAuthorizationServer } from "./authorization-server.js";

const USAGE = `Usage: issuer [--port 18500] [--access-token-lifetime 3600] [--auto-approve]

  --port                   default 18500; 0 for any free port
  --access-token-lifetime  in seconds, default 3600
  --auto-approve           redirect at once instead of showing a page
`;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "18500" },
    "access-token-lifetime": { type: "string", default: "3600" },
    "auto-approve": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
} else {
  const server = await createAuthorizationServer({
    port: Number(values.port),
    accessTokenLifetimeSeconds: Number(values["access-token-lifetime"]),
    autoApprove: values["auto-approve"],
    log: (line) => console.log(`${new Date().toISOString()} ${line}`),
  });
  console.log(describe(server.url));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
}

function describe(url: string): string {
  return `Test authorization server: ${url}
  browser login   ${url}/oauth/authorize
  device login    CODEX_HOME=$(mktemp -d) codex login --device-auth --experimental_issuer ${url}
  approve codes   ${url}/codex/device
  state           curl ${url}/__control/state
  settings        curl ${url}/__control/settings -H content-type:application/json -d '{"accessTokenLifetimeSeconds":60}'
  faults          curl ${url}/__control/fault -H content-type:application/json -d '{"endpoint":"refresh","fault":{"kind":"status","status":503}}'
`;
}
