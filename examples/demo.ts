/**
 * The whole journey on one machine without internet: a login, ten processes that share it, an expiry that costs one
 * exchange, a logout. Every command is really run, and every count is the issuer's own.
 */
import { setTimeout as delay } from "node:timers/promises";
import { approveLogin } from "#test/helpers/browser-user.js";
import type { Child } from "#test/helpers/child.js";
import { say, showCommand, showHeading, showOutput } from "./narration.js";
import { createStage, type Stage } from "./stage.js";

const PROCESSES = 10;

/** Short enough to be waited for. */
const SHORT_LIFETIME_SECONDS = 4;

const USUAL_LIFETIME_SECONDS = 3600;

/** Time for the ten to ask while the daemon is still asleep; one that comes later finds the new token. */
const ASKING_MS = 1_000;

await using stage = await createStage();
const leave = (): void => void stage.close().finally(() => process.exit(1));
process.once("SIGINT", leave).once("SIGTERM", leave);
process.stdout.on("error", leave); // Nobody reads on.
say("codex-authd from login to logout. Nothing leaves this machine, and nothing stays on it.");
const daemon = await startTheDaemon(stage);
await logIn(stage);
await shareTheToken(stage);
await sleepPastTheExpiry(stage, daemon);
await logOut(stage);
await daemon.ended;
say("", "That was all of it. `npm start` runs the daemon for a login of your own.");

async function startTheDaemon(stage: Stage): Promise<Child> {
  showHeading("One daemon owns the login");
  say(`A test issuer on ${stage.issuer.url} plays auth.openai.com; the home folder is a temporary one.`);
  showCommand("codex-authd &");
  const daemon = await stage.startDaemon();
  await run(stage, ["daemon", "status"]);
  return daemon;
}

async function logIn(stage: Stage): Promise<void> {
  showHeading("Log in");
  const command = ["login", "--browser", "--no-browser", "--json"];
  showCommand(`codex-auth ${command.join(" ")}`);
  const login = stage.start(command);
  const authorization = await login.nextLine();
  showOutput(authorization);
  const page = await approveLogin(JSON.parse(authorization).authorizationUrl);
  say(`  Somebody opens that address, clicks "Continue" and ends on the page "${titleOf(page.body)}".`);
  showOutput(await login.nextLine());
  await login.ended;
  await run(stage, ["status"]);
}

async function shareTheToken(stage: Stage): Promise<void> {
  showHeading(`${PROCESSES} processes take the token at once`);
  await takeTokens(stage);
  say("It came from the daemon's memory: the issuer was not even asked.");
}

async function sleepPastTheExpiry(stage: Stage, daemon: Child): Promise<void> {
  const { issuer } = stage;
  showHeading("The machine sleeps, and the token expires");
  say(`To see it within seconds, the issuer now hands out tokens that live ${SHORT_LIFETIME_SECONDS} s.`);
  issuer.accessTokenLifetimeSeconds = SHORT_LIFETIME_SECONDS;
  await run(stage, ["refresh"]);
  daemon.kill("SIGSTOP");
  say(`The daemon is stopped for ${SHORT_LIFETIME_SECONDS + 1} s, as if the lid were closed.`);
  await delay((SHORT_LIFETIME_SECONDS + 1) * 1000);
  issuer.accessTokenLifetimeSeconds = USUAL_LIFETIME_SECONDS;
  say(`It wakes up, and ${PROCESSES} processes want a token at the same moment:`);
  await takeTokens(stage, async () => {
    await delay(ASKING_MS);
    daemon.kill("SIGCONT");
  });
  say("Had each presented the refresh token itself, the second would have signed you out.");
}

async function logOut(stage: Stage): Promise<void> {
  showHeading("Log out");
  await run(stage, ["logout"]);
  const code = await run(stage, ["status"]);
  say(`It exits with ${code}: that is how a script knows that a login is needed.`);
  await run(stage, ["daemon", "stop"]);
}

/** Asks for the token in ten processes, then does what lets them have it, and tells what that cost. */
async function takeTokens({ issuer, start }: Stage, release = async (): Promise<void> => {}): Promise<void> {
  const { exchanges, reuses } = issuer;
  showCommand(`codex-auth token   (in ${PROCESSES} processes)`);
  const children = Array.from({ length: PROCESSES }, () => start(["token"]));
  await release();
  const runs = await Promise.all(children.map((child) => child.ended));
  const tokens = new Set(runs.filter(({ code }) => code === 0).map(({ stdout }) => stdout.trim()));
  for (const token of tokens) showOutput(`${token.slice(0, 12)}…${token.slice(-12)}`);
  say(`  ${runs.filter(({ code }) => code === 0).length} answers, ${tokens.size} token.`);
  say(
    `  Exchanges at the issuer: ${issuer.exchanges - exchanges}. Refresh tokens presented twice: ${issuer.reuses - reuses}.`,
  );
}

/** Shows a command, runs it, shows what it printed, and answers its exit code. */
async function run({ start }: Stage, args: readonly string[]): Promise<number | null> {
  showCommand(`codex-auth ${args.join(" ")}`);
  const { code, stdout, stderr } = await start(args).ended;
  showOutput(`${stdout}${stderr}`);
  return code;
}

function titleOf(html: string): string {
  return /<title>([^<]*)/.exec(html)?.[1] ?? "";
}
