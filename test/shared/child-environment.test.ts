import { CHILD_ENVIRONMENT_VARIABLES, childEnvironmentFrom } from "@codex-authd/shared";
import { METHODS } from "@codex-authd/shared/schema";
import t from "tap";

const SECRETS = ["OPENAI_API_KEY", "CODEX_ACCESS_TOKEN", "CODEX_API_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK"];

t.test("leaves out everything that is not on the list", async (t) => {
  const env = Object.fromEntries([...SECRETS, "PATH", "home", "Home"].map((name) => [name, "secret"]));
  t.same(childEnvironmentFrom(env, "/work"), { cwd: "/work", variables: {} });
});

t.test("leaves out what is empty or unset", async (t) => {
  t.same(childEnvironmentFrom({ HOME: "", CODEX_HOME: undefined }, "/").variables, {});
});

t.test("picks all that is on the list, as it is", async (t) => {
  const env = Object.fromEntries(CHILD_ENVIRONMENT_VARIABLES.map((name) => [name, ` ${name} `]));
  t.same(childEnvironmentFrom({ ...env, PATH: "/bin" }, "/work/here"), { cwd: "/work/here", variables: env });
});

t.test("has no secret on the list, which is sorted and without repetition", async (t) => {
  const list: readonly string[] = CHILD_ENVIRONMENT_VARIABLES;
  t.same(list, [...new Set(list)].sort());
  t.same(
    list.filter((name) => SECRETS.includes(name) || /KEY|TOKEN|SECRET|PASS|AUTH/.test(name)),
    [],
  );
});

t.test("makes what the schema takes", async (t) => {
  const childEnvironment = childEnvironmentFrom({ HOME: "/home/me", CI: "true", PATH: "/bin" }, "/work");
  t.same(METHODS["session/status"].params.parse({ childEnvironment }), { childEnvironment });
});

t.test("does not change what it was given", async (t) => {
  const env = Object.freeze({ HOME: "/home/me", PATH: "/bin" });
  childEnvironmentFrom(env, "/");
  t.same(env, { HOME: "/home/me", PATH: "/bin" });
});
