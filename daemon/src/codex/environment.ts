import type { ChildEnvironment } from "@codex-authd/shared";

export interface FlowChoice {
  /** `none`: nobody is there to log in. */
  readonly flow: "browser" | "device" | "none";
  /** Half a sentence: "because …". */
  readonly reason: string;
}

/**
 * How a person in this child environment can log in: with a browser on this machine, or with a code on another one.
 * A caller that says nothing of its environment is taken for a desktop.
 */
export function chooseFlow(environment: ChildEnvironment | undefined, platform: NodeJS.Platform): FlowChoice {
  const variables = environment?.variables ?? {};
  if (variables.CI) return { flow: "none", reason: "this is a CI job" };
  if (variables.SSH_CONNECTION || variables.SSH_TTY)
    return { flow: "device", reason: "this is an SSH session" };
  if (variables.container) return { flow: "device", reason: "this is a container" };
  if (variables.BROWSER) return { flow: "browser", reason: "BROWSER names one" };
  if (!environment || platform !== "linux") return { flow: "browser", reason: "this is a desktop" };
  if (variables.WSL_DISTRO_NAME) return { flow: "browser", reason: "WSL opens the browser of Windows" };
  if (variables.DISPLAY || variables.WAYLAND_DISPLAY)
    return { flow: "browser", reason: "there is a display" };
  return { flow: "device", reason: "there is no display" };
}
