import { z } from "zod";

const caller = z.object({
  pid: z.number().int().nullable(),
  executable: z.string().nullable(),
  client: z.string().nullable().describe("Its own word."),
  callCount: z.number().int().describe("Since it was last silent for a minute."),
  lastCallAtMs: z.number().int(),
});

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
  callers: z
    .array(caller)
    .optional()
    .describe("Who took tokens or changed a login in the last minute, the most recent first."),
});

export const daemonShutdownParams = z.strictObject({});
/** The daemon answers, then drains and exits 0. */
export const daemonShutdownResult = z.object({ stopping: z.literal(true) });
