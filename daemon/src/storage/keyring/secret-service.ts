/**
 * The keyring of a Linux desktop: the Secret Service (freedesktop.org, Secret Service API 0.2) on the session bus, which
 * GNOME Keyring, KWallet and KeePassXC serve. Entries are those of codex-cli 0.169, attribute for attribute.
 */
import { type Clock, withDeadline } from "@codex-authd/shared";
import { z } from "zod";
import { connectToDbus, type DbusCall, sessionBusPath } from "./dbus-connection.js";
import {
  ambiguous,
  asSecretStoreError,
  entryLocked,
  keyringLocked,
  noAnswer,
  noDefaultKeyring,
  noService,
} from "./secret-service-errors.js";
import type { SecretStore } from "./secret-store.js";

/** A service that the bus has to start first takes a second; one that hangs must not hold up a shutdown. */
const DEADLINE_MS = 5_000;

const SERVICE = {
  path: "/org/freedesktop/secrets",
  interface: "org.freedesktop.Secret.Service",
} as const;
const ITEM = "org.freedesktop.Secret.Item";
const COLLECTION = "org.freedesktop.Secret.Collection";

/** "No object", as the API writes it: no prompt is needed, no such collection. */
const NONE = "/";

const CONTENT_TYPE = "text/plain";

/** A connection with an open session of the service. */
interface Service {
  call<Answer>(object: Omit<DbusCall<Answer>, "destination">): Promise<Answer>;
  readonly session: string;
}

/**
 * @param env where the session bus is looked for; default: the environment of this process
 */
export function createSecretService(clock: Clock, env: NodeJS.ProcessEnv = process.env): SecretStore {
  const run = <T>(work: (service: Service) => Promise<T>): Promise<T> => withService(work, clock, env);
  return {
    load: (account) =>
      run(async (service) => {
        const item = await findItem(service, account);
        return item === undefined ? undefined : readSecret(service, item);
      }),
    save: (account, secret) =>
      run(async (service) => {
        const item = await findItem(service, account);
        if (item === undefined) await createItem(service, account, secret);
        else await replaceSecret(service, item, secret);
      }),
    remove: (account) =>
      run(async (service) => {
        const item = await findItem(service, account);
        if (item !== undefined) await deleteItem(service, item);
        return item !== undefined;
      }),
    checkWritable: (account) =>
      run(async (service) => {
        if ((await findItem(service, account)) === undefined) await assertUnlockedCollection(service);
      }),
  };
}

/** A connection for each use: it takes two milliseconds, and there is nothing to mend when the service was restarted. */
async function withService<T>(
  work: (service: Service) => Promise<T>,
  clock: Clock,
  env: NodeJS.ProcessEnv,
): Promise<T> {
  const ended = new AbortController();
  try {
    const working = openService(env, ended.signal).then(work);
    return await withDeadline(clock, working, { afterMs: DEADLINE_MS, error: () => noAnswer(DEADLINE_MS) });
  } catch (error) {
    throw asSecretStoreError(error);
  } finally {
    ended.abort();
  }
}

/** `plain`: the secret crosses the socket as it is. Whoever can listen there is the same user, and can ask for it as well. */
async function openService(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Service> {
  const path = sessionBusPath(env);
  if (path === undefined) throw noService();
  const bus = await connectToDbus(path, signal);
  const call: Service["call"] = (object) => bus.call({ destination: "org.freedesktop.secrets", ...object });
  const [, session] = await call({
    ...SERVICE,
    member: "OpenSession",
    signature: "sv",
    body: ["plain", ["s", ""]],
    answer: z.tuple([z.unknown(), z.string()]),
  });
  return { call, session };
}

/** @throws SecretStoreError when it is locked, and when there are several, of which nobody knows the right one */
async function findItem({ call }: Service, account: string): Promise<string | undefined> {
  const { application: _, ...searched } = attributesOf(account);
  const [unlocked, locked] = await call({
    ...SERVICE,
    member: "SearchItems",
    signature: "a{ss}",
    body: [searched],
    answer: z.tuple([z.array(z.string()), z.array(z.string())]),
  });
  if (unlocked.length + locked.length > 1) throw ambiguous(account);
  if (locked.length > 0) throw entryLocked();
  return unlocked[0];
}

async function readSecret({ call, session }: Service, path: string): Promise<string> {
  const [[, , value]] = await call({
    path,
    interface: ITEM,
    member: "GetSecret",
    signature: "o",
    body: [session],
    answer: z.tuple([z.tuple([z.string(), z.unknown(), z.instanceof(Buffer), z.string()])]),
  });
  return value.toString("utf8");
}

async function replaceSecret({ call, session }: Service, path: string, secret: string): Promise<void> {
  await call({
    path,
    interface: ITEM,
    member: "SetSecret",
    signature: "(oayays)",
    body: [wireSecret(session, secret)],
    answer: z.tuple([]),
  });
}

async function createItem(service: Service, account: string, secret: string): Promise<void> {
  const [, prompt] = await service.call({
    path: await defaultCollection(service),
    interface: COLLECTION,
    member: "CreateItem",
    signature: "a{sv}(oayays)b",
    body: [propertiesOf(account), wireSecret(service.session, secret), true],
    answer: z.tuple([z.string(), z.string()]),
  });
  assertNoPrompt(prompt);
}

async function deleteItem({ call }: Service, path: string): Promise<void> {
  const [prompt] = await call({
    path,
    interface: ITEM,
    member: "Delete",
    answer: z.tuple([z.string()]),
  });
  assertNoPrompt(prompt);
}

async function defaultCollection({ call }: Service): Promise<string> {
  const [path] = await call({
    ...SERVICE,
    member: "ReadAlias",
    signature: "s",
    body: ["default"],
    answer: z.tuple([z.string()]),
  });
  if (path === NONE) throw noDefaultKeyring();
  return path;
}

async function assertUnlockedCollection(service: Service): Promise<void> {
  const [isLocked] = await service.call({
    path: await defaultCollection(service),
    interface: "org.freedesktop.DBus.Properties",
    member: "Get",
    signature: "ss",
    body: [COLLECTION, "Locked"],
    answer: z.tuple([z.boolean()]),
  });
  if (isLocked) throw keyringLocked();
}

/** What codex-cli 0.169 writes (keyring-rs 3.6.3); it finds an entry by the first three. */
function attributesOf(account: string) {
  return { service: "Codex Auth", username: account, target: "default", application: "rust-keyring" };
}

/** `a{sv}`: each name with the type and the value of its variant. */
function propertiesOf(account: string) {
  return [
    [`${ITEM}.Label`, ["s", `${account}@Codex Auth:default (keyring v3.6.3)`]],
    [`${ITEM}.Attributes`, ["a{ss}", attributesOf(account)]],
  ];
}

/** The API's `Secret`: session, parameters (none when plain), value, content type. */
function wireSecret(session: string, secret: string) {
  return [session, Buffer.alloc(0), Buffer.from(secret), CONTENT_TYPE];
}

function assertNoPrompt(prompt: string): void {
  if (prompt !== NONE) throw keyringLocked();
}
