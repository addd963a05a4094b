/**
 * The keyring of a Linux desktop: the Secret Service (freedesktop.org, Secret Service API 0.2) on the session bus, which
 * GNOME Keyring, KWallet and KeePassXC serve. Entries are those of codex-cli 0.169, attribute for attribute.
 */
import { type Clock, withDeadline } from "@codex-authd/shared";
import { connectToDbus, sessionBusPath } from "./dbus-connection.js";
import type { DbusCall } from "./dbus-message.js";
import type { DbusReader, DbusWriter } from "./dbus-wire.js";
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
  interfaceName: "org.freedesktop.Secret.Service",
} as const;
const ITEM = "org.freedesktop.Secret.Item";
const COLLECTION = "org.freedesktop.Secret.Collection";

/** "No object", as the API writes it: no prompt is needed, no such collection. */
const NONE = "/";

const CONTENT_TYPE = "text/plain";

/** A connection with an open session of the service. */
interface Service {
  call(object: Omit<DbusCall, "destination">): Promise<DbusReader>;
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
  const opened = await call({
    ...SERVICE,
    member: "OpenSession",
    signature: "sv",
    writeArguments(writer) {
      writer.string("plain");
      writer.signature("s");
      writer.string("");
    },
  });
  opened.signature();
  opened.string();
  return { call, session: opened.string() };
}

/** @throws SecretStoreError when it is locked, and when there are several, of which nobody knows the right one */
async function findItem({ call }: Service, account: string): Promise<string | undefined> {
  const { application: _, ...searched } = attributesOf(account);
  const found = await call({
    ...SERVICE,
    member: "SearchItems",
    signature: "a{ss}",
    writeArguments: (writer) => writeAttributes(writer, searched),
  });
  const unlocked = found.array(4, found.string);
  const locked = found.array(4, found.string);
  if (unlocked.length + locked.length > 1) throw ambiguous(account);
  if (locked.length > 0) throw entryLocked();
  return unlocked[0];
}

async function readSecret({ call, session }: Service, path: string): Promise<string> {
  const secret = await call({
    path,
    interfaceName: ITEM,
    member: "GetSecret",
    signature: "o",
    writeArguments: (writer) => writer.string(session),
  });
  secret.struct();
  secret.string();
  secret.bytes();
  return secret.bytes().toString("utf8");
}

async function replaceSecret({ call, session }: Service, path: string, secret: string): Promise<void> {
  await call({
    path,
    interfaceName: ITEM,
    member: "SetSecret",
    signature: "(oayays)",
    writeArguments: (writer) => writeSecret(writer, session, secret),
  });
}

async function createItem(service: Service, account: string, secret: string): Promise<void> {
  const created = await service.call({
    path: await defaultCollection(service),
    interfaceName: COLLECTION,
    member: "CreateItem",
    signature: "a{sv}(oayays)b",
    writeArguments(writer) {
      writeProperties(writer, account);
      writeSecret(writer, service.session, secret);
      writer.boolean(true);
    },
  });
  created.string();
  assertNoPrompt(created.string());
}

async function deleteItem({ call }: Service, path: string): Promise<void> {
  const deleted = await call({ path, interfaceName: ITEM, member: "Delete" });
  assertNoPrompt(deleted.string());
}

async function defaultCollection({ call }: Service): Promise<string> {
  const alias = await call({
    ...SERVICE,
    member: "ReadAlias",
    signature: "s",
    writeArguments: (writer) => writer.string("default"),
  });
  const path = alias.string();
  if (path === NONE) throw noDefaultKeyring();
  return path;
}

async function assertUnlockedCollection(service: Service): Promise<void> {
  const property = await service.call({
    path: await defaultCollection(service),
    interfaceName: "org.freedesktop.DBus.Properties",
    member: "Get",
    signature: "ss",
    writeArguments(writer) {
      writer.string(COLLECTION);
      writer.string("Locked");
    },
  });
  property.signature();
  if (property.boolean()) throw keyringLocked();
}

/** What codex-cli 0.169 writes (keyring-rs 3.6.3); it finds an entry by the first three. */
function attributesOf(account: string) {
  return { service: "Codex Auth", username: account, target: "default", application: "rust-keyring" };
}

function writeAttributes(writer: DbusWriter, attributes: Record<string, string>): void {
  writer.array(8, () => {
    for (const [name, value] of Object.entries(attributes)) {
      writer.struct();
      writer.string(name);
      writer.string(value);
    }
  });
}

function writeProperties(writer: DbusWriter, account: string): void {
  writer.array(8, () => {
    writer.struct();
    writer.string(`${ITEM}.Label`);
    writer.signature("s");
    writer.string(`${account}@Codex Auth:default (keyring v3.6.3)`);
    writer.struct();
    writer.string(`${ITEM}.Attributes`);
    writer.signature("a{ss}");
    writeAttributes(writer, attributesOf(account));
  });
}

/** The API's `Secret`: session, parameters (none when plain), value, content type. */
function writeSecret(writer: DbusWriter, session: string, secret: string): void {
  writer.struct();
  writer.string(session);
  writer.bytes(Buffer.alloc(0));
  writer.bytes(Buffer.from(secret));
  writer.string(CONTENT_TYPE);
}

function assertNoPrompt(prompt: string): void {
  if (prompt !== NONE) throw keyringLocked();
}
