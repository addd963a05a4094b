/**
 * Through what a session's requests go (S6): the owner's word in config.toml, else what its login was bound to. Only a
 * login that is stored, or a logout, changes it; what later callers bring changes nothing.
 */
import type { SessionStatus } from "@codex-authd/shared";
import { DIRECT, type NetworkSettings, underOwner } from "../net/network-settings.js";
import { type HttpProxy, proxyFor } from "../net/proxy.js";
import type { Grant } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import type { SessionContext } from "./context.js";

/** A login that another process made has no binding, even where ours of another account has left one. */
export function networkOf(
  grant: Grant | undefined,
  { record, context }: { record: SessionRecord; context: SessionContext },
): NetworkSettings {
  const bound = record.network;
  const isBound = grant !== undefined && bound?.accountId === grant.accountId;
  return underOwner(context.settings.network, isBound ? bound.settings : DIRECT);
}

/** The settings as anybody may see them: the proxy for `issuer`, without its password. */
export function networkStatus(settings: NetworkSettings, issuer: string): SessionStatus["network"] {
  const proxy = usableProxy(settings, issuer);
  return {
    caCertificateFile: settings.caFile?.value ?? null,
    caCertificateSource: settings.caFile?.source ?? null,
    proxy: proxy?.origin ?? null,
    proxySource: proxy?.source ?? null,
    noProxy: settings.noProxy,
  };
}

/** Of a proxy that cannot be used a request says so; none is begun with it, and none goes around it. */
function usableProxy(settings: NetworkSettings, issuer: string): HttpProxy | null {
  try {
    return proxyFor(new URL(issuer), settings);
  } catch {
    return null;
  }
}
