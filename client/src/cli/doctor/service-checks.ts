/** The service, where it is installed. */
import { planWriting } from "../service/service-file.js";
import { serviceManager } from "../service/setting.js";
import { type Check, type Finding, problem, warning } from "./finding.js";

export const serviceChecks: Check = async ({ terminal }) => {
  try {
    const manager = serviceManager(terminal);
    await manager.check();
    const status = await manager.status();
    if (!status.installed) return [];
    const files = await planWriting(manager.files);
    const outdated = files.filter(({ change }) => change !== "unchanged").map(({ path }) => path);
    return [...outdatedFindings(outdated), ...stoppedFindings(status)];
  } catch {
    // No service manager to ask, and so no service.
    return [];
  }
};

function outdatedFindings(paths: readonly string[]): Finding[] {
  if (paths.length === 0) return [];
  const words = `${paths.join(", ")} is not as this version writes it: Node or codex-authd may have moved since.`;
  return [warning("service-outdated", words, "Run `codex-auth service install`.")];
}

function stoppedFindings(status: {
  active: boolean;
  listening: boolean;
  enabled: boolean;
  lastExit: string | null;
}): Finding[] {
  const { active, listening, enabled, lastExit } = status;
  if (!active && !listening) {
    const how = lastExit === null ? "" : ` Its last run ended so: ${lastExit}.`;
    const cure = "Look at `codex-auth service logs`, then run `codex-auth service start`.";
    return [problem("service-stopped", `The service is installed and does not run.${how}`, cure)];
  }
  if (enabled) return [];
  return [
    warning(
      "service-not-enabled",
      "The service runs, but does not start at the next login.",
      "Run `codex-auth service install`.",
    ),
  ];
}
