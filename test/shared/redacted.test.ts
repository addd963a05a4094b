import { format, inspect } from "node:util";
import { fingerprint, Redacted } from "@codex-authd/shared";
import t from "tap";

const SECRET = "rt_very-secret-refresh-token";
const MASK = "[redacted]";

/** A secret as it rests in practice: inside objects, lists, maps and errors. */
function holder(): { grant: { tokens: Redacted[] }; map: Map<string, Redacted>; error: Error } {
  const secret = new Redacted(SECRET);
  return {
    grant: { tokens: [secret] },
    map: new Map([["token", secret]]),
    error: Object.assign(new Error("failed", { cause: secret }), { secret }),
  };
}

t.test("strings", async (t) => {
  const secret = new Redacted(SECRET);
  const prints: Record<string, () => string> = {
    "String()": () => String(secret),
    "a template": () => `${secret}`,
    concatenation: () => `token: `.concat(secret as unknown as string),
    "an array's join": () => [secret, secret].join(),
    "toLocaleString()": () => secret.toLocaleString(),
    "JSON.stringify()": () => JSON.stringify(secret),
    "JSON.stringify() of what holds it": () => JSON.stringify(holder()),
    "an error's message": () => new Error(String(secret)).message,
    "a property key": () => Object.keys({ [String(secret)]: 1 }).join(),
  };
  for (const [name, print] of Object.entries(prints)) {
    t.test(`${name} shows the mask`, async (t) => {
      t.notMatch(print(), SECRET);
      t.ok(print().includes(MASK));
    });
  }
});

t.test("util.inspect shows no secret", async (t) => {
  for (const depth of [0, 1, 2, 5, null]) {
    for (const options of [
      {},
      { showHidden: true },
      { customInspect: false },
      { getters: true },
      { compact: false },
    ]) {
      t.test(`at depth ${depth} with ${JSON.stringify(options)}`, async (t) => {
        t.notOk(inspect(holder(), { depth, ...options }).includes(SECRET));
        t.notOk(inspect(new Redacted(SECRET), { depth, ...options }).includes(SECRET));
      });
    }
  }
});

t.test("console's placeholders show no secret", async (t) => {
  for (const placeholder of ["%s", "%o", "%O", "%j", "%d", "%i", "%c", ""]) {
    t.test(placeholder || "none", async (t) => {
      t.notOk(format(placeholder, new Redacted(SECRET)).includes(SECRET));
      t.notOk(format(placeholder, holder()).includes(SECRET));
    });
  }
});

t.test("copies do not carry the secret", async (t) => {
  const secret = new Redacted(SECRET);
  const copies: Record<string, unknown> = {
    "a spread": { ...secret },
    "Object.assign": Object.assign({}, secret),
    structuredClone: structuredClone(secret),
    "JSON there and back": JSON.parse(JSON.stringify({ secret })),
    "property descriptors": Object.getOwnPropertyDescriptors(secret),
  };
  for (const [name, copy] of Object.entries(copies)) {
    t.test(name, async (t) => {
      t.notOk(JSON.stringify(copy).includes(SECRET));
      t.notOk(inspect(copy, { showHidden: true, depth: null }).includes(SECRET));
    });
  }
  t.test("it has no properties of its own", async (t) => {
    t.same(Object.keys(secret), []);
    t.same(Reflect.ownKeys(secret), []);
  });
});

t.test("reveal() gives the value", async (t) => {
  t.equal(new Redacted(SECRET).reveal(), SECRET);
  t.equal(new Redacted("").reveal(), "");
});

t.test("fingerprint() is the SHA-256 of the UTF-8 text in lower-case hex", async (t) => {
  t.equal(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  t.equal(fingerprint(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  t.not(fingerprint("ä"), fingerprint("a\u0308"));
});
