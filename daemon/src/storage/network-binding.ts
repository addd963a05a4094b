/** The network settings that a login was made with, as they are kept in the session's record: a proxy's password among them. */
import { Redacted } from "@codex-authd/shared";
import { z } from "zod";
import type { NetworkSettings } from "../net/network-settings.js";

/** They count for the account that logged in with them, whoever rotates its tokens. */
export interface NetworkBinding {
  readonly accountId: string | null;
  readonly settings: NetworkSettings;
}

const named = z.object({ value: z.string(), source: z.string() });
const proxy = z.object({ value: z.string().transform((value) => new Redacted(value)), source: z.string() });

/** Reads what {@link storedBinding} wrote. */
export const networkBindingSchema = z.object({
  accountId: z.string().nullable(),
  settings: z.object({
    caFile: named.nullable(),
    httpProxy: proxy.nullable(),
    httpsProxy: proxy.nullable(),
    noProxy: z.string().nullable(),
  }),
});

/** The binding with its passwords in clear: for the record, which nobody else may read. */
export function storedBinding({ accountId, settings }: NetworkBinding): z.input<typeof networkBindingSchema> {
  const { httpProxy, httpsProxy } = settings;
  return {
    accountId,
    settings: { ...settings, httpProxy: revealed(httpProxy), httpsProxy: revealed(httpsProxy) },
  };
}

function revealed(setting: NetworkSettings["httpProxy"]): z.input<typeof proxy> | null {
  return setting && { ...setting, value: setting.value.reveal() };
}
