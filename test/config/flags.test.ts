import t from "tap";
import { parseFlags, USAGE } from "#daemon/config/flags.js";

t.test("what is no flag is refused, with a way to learn more", async (t) => {
  const refused = { code: "ERR_CONFIG_INVALID", message: /codex-authd --help/ };
  for (const argv of [["--issuer", "https://x"], ["start"], ["--socket"], ["--version=1"], ["-x"]]) {
    t.throws(() => parseFlags(argv), refused, argv.join(" "));
  }
});

t.test("flags are read as they are", async (t) => {
  t.same(parseFlags([]), { check: false, help: false, version: false });
  t.same(
    parseFlags(["--socket", "/s", "--config=/c", "--log-level", "debug", "--check", "--help", "--version"]),
    {
      socket: "/s",
      config: "/c",
      logLevel: "debug",
      check: true,
      help: true,
      version: true,
    },
  );
});

t.test("the usage names every flag", async (t) => {
  for (const flag of ["--socket", "--config", "--log-level", "--check", "--version", "--help"])
    t.ok(USAGE.includes(flag));
});
