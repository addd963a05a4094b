import { Command } from "commander";
import { type CommandContext, type CommonOptions, runCommand, withDaemonOptions } from "../command-scope.js";
import { CHECKS, examine } from "../doctor/examine.js";
import type { Finding } from "../doctor/finding.js";
import { EXIT } from "../exit-codes.js";
import { printable } from "../format.js";
import type { Output } from "../output.js";

interface DoctorOptions extends CommonOptions {
  readonly fix?: boolean;
}

/** `codex-auth doctor`: exits 1 when something does not work; a warning alone is no failure. */
export function doctorCommand(context: CommandContext): Command {
  return withDaemonOptions(new Command("doctor"))
    .description("find what is wrong here, and say the cure")
    .option("--json", "print JSON instead of words")
    .option("--fix", "carry out the cures that can do no harm")
    .addHelpText("after", "\nExamples:\n  codex-auth doctor\n  codex-auth doctor --fix")
    .action((options: DoctorOptions) =>
      runCommand(context, options, async (scope) => {
        const found = await examine(scope);
        const fixed = options.fix ? applyFixes(found) : [];
        const left = found.filter((finding) => !fixed.includes(finding));
        report(scope.output, found, fixed);
        return left.some(({ level }) => level === "problem") ? EXIT.failed : EXIT.done;
      }),
    );
}

function applyFixes(found: readonly Finding[]): Finding[] {
  const fixable = found.filter(({ fix }) => fix !== undefined);
  for (const { fix } of fixable) fix?.();
  return fixable;
}

function report(output: Output, found: readonly Finding[], fixed: readonly Finding[]): void {
  const findings = found.map((finding) => {
    const { id, level, message, cure, fix } = finding;
    return { id, level, message, cure, fixable: fix !== undefined, fixed: fixed.includes(finding) };
  });
  output.result({ findings, looked: Object.keys(CHECKS) }, () => [
    ...findings.flatMap((finding) => lines(output, finding)),
    summary(findings),
  ]);
}

function lines(
  output: Output,
  { level, message, cure, fixed }: Omit<Finding, "fix"> & { readonly fixed: boolean },
): string[] {
  const style = level === "problem" ? (["bold", "red"] as const) : "yellow";
  const name = output.styleResult(typeof style === "string" ? style : [...style], `${level}:`);
  const remedy = fixed ? output.styleResult("green", "Done.") : printable(cure);
  return [`${name} ${printable(message)}`, `  ${output.styleResult("dim", "do:")} ${remedy}`, ""];
}

function summary(
  findings: readonly { readonly level: string; readonly fixable: boolean; readonly fixed: boolean }[],
): string {
  const left = findings.filter(({ fixed }) => !fixed);
  if (left.length === 0) return `Nothing is wrong${findings.length > 0 ? " any more" : ""}.`;
  const count = (level: string): number => left.filter((finding) => finding.level === level).length;
  const words = [plural(count("problem"), "problem"), plural(count("warning"), "warning")]
    .filter(Boolean)
    .join(", ");
  const hint = left.some(({ fixable }) => fixable)
    ? " `codex-auth doctor --fix` mends what can be mended safely."
    : "";
  return `${words}.${hint}`;
}

function plural(count: number, noun: string): string {
  return count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
}
