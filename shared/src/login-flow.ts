/**
 * Which login fits a child environment: a pure function of what the caller says of itself, so that the daemon and a client
 * without one come to the same answer.
 */
import type { ChildEnvironment, ChildEnvironmentVariable, ContainerMarker } from "./child-environment.js";

export interface LoginWish {
  /** Default `auto`: the child environment decides. */
  readonly flow?: "auto" | "browser" | "device" | undefined;
  /** False: nobody is there. Default true. */
  readonly interactive?: boolean | undefined;
}

export interface FlowChoice {
  /** `none`: nobody is there to log in. */
  readonly flow: "browser" | "device" | "none";
  /** What a client goes on with when the redirect of a browser login does not arrive. */
  readonly fallback: "device" | null;
  /** Half a sentence: "because …". */
  readonly reason: string;
  /** What would make it another flow, one sentence each. */
  readonly changes: readonly string[];
  /** Why a flow that was insisted on may not work here, and what helps. */
  readonly warnings: readonly string[];
}

/** Where a caller may be. The first row that fits decides. */
interface Place {
  readonly flow: FlowChoice["flow"];
  readonly fallback?: "device";
  /** One of them is set: see {@link isSet}. Without variables and markers the row fits always. */
  readonly variables?: readonly ChildEnvironmentVariable[];
  readonly markers?: readonly ContainerMarker[];
  /** Default: every platform. */
  readonly platform?: NodeJS.Platform;
  /** Half a sentence. */
  readonly what: string;
  readonly change: string;
  /** Said to whoever insists on a flow that does not fit. */
  readonly doubt?: string;
}

const PLACES: readonly Place[] = [
  {
    // What the servers set; most set CI as well, and `CI=false` is how people say that it is none.
    flow: "none",
    variables: [
      "CI",
      "CONTINUOUS_INTEGRATION",
      "APPVEYOR",
      "BUILDKITE",
      "CIRCLECI",
      "CODEBUILD_BUILD_ID",
      "DRONE",
      "GITHUB_ACTIONS",
      "GITLAB_CI",
      "JENKINS_URL",
      "TEAMCITY_VERSION",
      "TF_BUILD",
      "TRAVIS",
    ],
    what: "this is a CI job",
    change: "`--browser` or `--device` insists on a login.",
    doubt: "This is a CI job: unless somebody reads its output in time, nobody finishes the login.",
  },
  {
    flow: "device",
    variables: ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"],
    what: "this is an SSH session",
    change:
      "`--browser` logs in with a browser that reaches this machine: by X forwarding, by `ssh -L` of the callback port, or by `--no-browser --paste`.",
    doubt:
      "This is an SSH session: a browser elsewhere comes back only through `ssh -L` of the callback port. Without it, add `--no-browser --paste`.",
  },
  {
    flow: "device",
    variables: ["CODESPACES", "REMOTE_CONTAINERS", "KUBERNETES_SERVICE_HOST", "container"],
    markers: ["/.dockerenv", "/run/.containerenv"],
    what: "this is a container",
    change: "`--browser` with `--no-browser --paste` logs in with a browser outside.",
    doubt: "This is a container: a browser outside does not reach its loopback. Add `--no-browser --paste`.",
  },
  {
    flow: "browser",
    fallback: "device",
    variables: ["WSL_DISTRO_NAME", "WSL_INTEROP"],
    what: "this is WSL, which opens the browser of Windows",
    change: "`--device` begins with the code; `--browser` stays with the browser.",
  },
  {
    flow: "device",
    variables: ["VSCODE_IPC_HOOK_CLI"],
    what: "this is a remote terminal of VS Code",
    change: "`--browser` logs in with a browser: forward the callback port in VS Code, or use `--paste`.",
    doubt:
      "This is a remote terminal of VS Code: the browser comes back only when VS Code forwards the callback port. Without it, add `--paste`.",
  },
  {
    flow: "browser",
    variables: ["BROWSER"],
    what: "there is a browser to start",
    change: "`--device` shows a code for another device.",
  },
  {
    flow: "browser",
    platform: "darwin",
    what: "this is a Mac",
    change: "`--device` shows a code for another device.",
  },
  {
    flow: "browser",
    variables: ["DISPLAY", "WAYLAND_DISPLAY"],
    what: "there is a display",
    change: "`--device` shows a code for another device.",
  },
  {
    flow: "device",
    what: "there is no display",
    change: "DISPLAY, WAYLAND_DISPLAY or BROWSER would make it a browser login; so does `--browser`.",
    doubt:
      "There is no display: no browser can open here. Open the address elsewhere, and add `--no-browser --paste`.",
  },
];

/** A caller that says nothing of itself, such as curl. */
const UNKNOWN: Place = {
  flow: "browser",
  what: "nothing is known of the caller's environment",
  change: "A child environment, or `flow` in the request, says more.",
};

/** Both keep the variables of the terminal that they were started in. */
const MULTIPLEXERS = ["TMUX", "STY"] as const;

const MULTIPLEXER_CHANGE =
  "tmux and screen hand on the environment that they were started in: if you sit at another machine now, use `--device`.";

/**
 * How a person in this child environment can log in: with a browser on this machine, or with a code on another one.
 * @param platform where the caller says none
 */
export function chooseFlow(
  environment: ChildEnvironment | undefined,
  platform: string,
  { flow = "auto", interactive = true }: LoginWish = {},
): FlowChoice {
  if (!interactive) return nobodyThere();
  const [place, reason] = placeOf(environment, platform);
  if (flow !== "auto") return insisted(flow, place, reason);
  const isMultiplexed = MULTIPLEXERS.some((name) => environment?.variables[name]);
  return {
    flow: place.flow,
    fallback: place.fallback ?? null,
    reason,
    changes: isMultiplexed && place.flow === "browser" ? [place.change, MULTIPLEXER_CHANGE] : [place.change],
    warnings: [],
  };
}

function placeOf(environment: ChildEnvironment | undefined, platform: string): [Place, reason: string] {
  if (environment === undefined) return [UNKNOWN, UNKNOWN.what];
  for (const place of PLACES) {
    if (place.platform !== undefined && place.platform !== (environment.platform ?? platform)) continue;
    if (!place.variables) return [place, place.what];
    const variable = place.variables.find((name) => isSet(environment.variables[name]));
    if (variable !== undefined) return [place, `${place.what} (${variable} is set)`];
    const marker = place.markers?.find((path) => environment.markers?.includes(path));
    if (marker !== undefined) return [place, `${place.what} (${marker} exists)`];
  }
  return [UNKNOWN, UNKNOWN.what];
}

/** `CI=false` and `CI=0` are how a variable is switched off. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && !/^(?:|0|false)$/i.test(value);
}

function insisted(flow: "browser" | "device", place: Place, reason: string): FlowChoice {
  const isDoubtful = place.flow === "none" || (flow === "browser" && place.flow === "device");
  const otherwise = place.flow === "none" ? "no login" : `a ${place.flow} login`;
  return {
    flow,
    fallback: null,
    reason: "it was asked for",
    changes: [`Without \`--${flow}\` it would be ${otherwise}, because ${reason}.`],
    warnings: isDoubtful && place.doubt ? [place.doubt] : [],
  };
}

function nobodyThere(): FlowChoice {
  return {
    flow: "none",
    fallback: null,
    reason: "the caller says that nobody is there",
    changes: ["Leave out `--no-interactive` (`interactive: false`) when a person is there."],
    warnings: [],
  };
}
