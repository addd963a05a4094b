/** The child environment as this process sees it: what only the caller can observe goes along with its variables. */
import { existsSync } from "node:fs";
import {
  type ChildEnvironment,
  CONTAINER_MARKERS,
  childEnvironmentFrom,
  type Environment,
} from "@codex-authd/shared";

export interface Surroundings {
  /** `process.platform`. */
  readonly platform: string;
  readonly fileExists: (path: string) => boolean;
}

/** This machine, or this container. */
export const ownSurroundings: Surroundings = { platform: process.platform, fileExists: existsSync };

export function observeChildEnvironment(
  env: Environment,
  cwd: string,
  { platform, fileExists }: Surroundings = ownSurroundings,
): ChildEnvironment {
  return {
    ...childEnvironmentFrom(env, cwd),
    platform,
    markers: CONTAINER_MARKERS.filter((path) => fileExists(path)),
  };
}
