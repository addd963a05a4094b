import { z } from "zod";

export const daemonStatusParams = z.strictObject({});
export const daemonStatusResult = z.object({
  version: z.string(),
  protocolVersion: z.number().int().describe("A client of another version says which side to upgrade."),
  pid: z.number().int(),
  startedAtMs: z.number().int(),
  socket: z.string(),
  sessionCount: z.number().int(),
  warnings: z
    .array(z.string())
    .optional()
    .describe("What the daemon has to do without here, in words; daemons of the first days send none."),
});

export const daemonShutdownParams = z.strictObject({});
/** The daemon answers, then drains and exits 0. */
export const daemonShutdownResult = z.object({ stopping: z.literal(true) });
