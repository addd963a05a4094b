import { z } from "zod";
import { PLAN_TYPES } from "../plan-type.js";
import { sessionSelector, tokenFingerprint } from "./session.js";

export const tokenGetParams = sessionSelector.extend({
  minValidityMs: z
    .number()
    .int()
    .min(0)
    .max(86_400_000)
    .optional()
    .describe("Milliseconds that the token should still be valid for. Default 0."),
  rejectedToken: tokenFingerprint
    .optional()
    .describe(
      "Fingerprint of an access token that was refused (a 401). A newer token is returned as it is; else one is fetched.",
    ),
  accountId: z
    .string()
    .optional()
    .describe("The account the caller works for; another one is ERR_ACCOUNT_MISMATCH."),
});

export const tokenGetResult = z.object({
  accessToken: z.string(),
  expiresAtMs: z.number().int().nullable(),
  accountId: z.string().nullable(),
  planType: z.enum(PLAN_TYPES).nullable(),
  generation: z.number().int(),
});
