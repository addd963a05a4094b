import { CHILD_ENVIRONMENT_VARIABLES, childEnvironmentFrom, SECRET_VARIABLES } from "@codex-authd/shared";
import { METHODS } from "@codex-authd/shared/schema";
import t from "tap";

const SECRETS = [...SECRET_VARIABLES, "GITHUB_TOKEN", "SSH_AUTH_SOCK"];

t.test("leaves out everything that is not on the list", async (t) => {
  const env = Object.fromEntries([...SECRETS, "PATH", "home", "Home"].map((name) => [name, "secret"]));
  const { variables, present } = childEnvironmentFrom(env, "/work");
  t.same(variables, {});
  t.same(present, SECRET_VARIABLES);
});

t.test(
  "of a secret variable nothing crosses but that it is set, and of a token what it looks like",
  async (t) => {
    const env = { CODEX_API_KEY: "sk-s3cret", CODEX_ACCESS_TOKEN: " at-s3cret", OPENAI_API_KEY: " " };
    const childEnvironment = childEnvironmentFrom(env, "/");
    t.same(childEnvironment, {
      cwd: "/",
      variables: {},
      present: ["CODEX_ACCESS_TOKEN", "CODEX_API_KEY"],
      accessTokenKind: "personalAccessToken",
    });
    t.notMatch(JSON.stringify(childEnvironment), /s3cret/);
    t.match(childEnvironmentFrom({ CODEX_ACCESS_TOKEN: "eyJ.a.b" }, "/"), {
      accessTokenKind: "agentIdentity",
    });
    t.same(METHODS["session/explain"].params.parse({ childEnvironment }), { childEnvironment });
    t.notOk(
      METHODS["session/explain"].params.safeParse({
        childEnvironment: { cwd: "/", variables: {}, present: ["HOME"] },
      }).success,
    );
  },
);

t.test(
  "the variables of a workload's identity are set as soon as they are there, as Codex has it",
  async (t) => {
    const env = { OPENAI_FEDERATION_RULE_ID: "", OPENAI_IDENTITY_TOKEN_FILE: undefined };
    t.same(childEnvironmentFrom(env, "/").present, ["OPENAI_FEDERATION_RULE_ID"]);
  },
);

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
