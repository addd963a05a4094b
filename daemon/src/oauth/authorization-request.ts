import { type OAuthClient, SCOPE } from "./oauth-client.js";

export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly state: string;
  /** Upstream's `forced_chatgpt_workspace_id`: the issuer offers no other workspace. Default: any. */
  readonly allowedWorkspaceIds?: readonly string[];
}

/**
 * The URL of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3), with the parameters of codex-cli 0.169 in its
 * order and encoding.
 */
export function authorizationUrl(client: OAuthClient, request: AuthorizationRequest): string {
  const { redirectUri, codeChallenge, state, allowedWorkspaceIds = [] } = request;
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    code_challenge: codeChallenge,
    code_challenge_method: "S256",
    state,
    scope: SCOPE,
    id_token_add_organizations: "true",
    codex_cli_simplified_flow: "true",
    originator: client.originator,
  });
  if (allowedWorkspaceIds.length > 0) parameters.set("allowed_workspace_id", allowedWorkspaceIds.join(","));
  return `${client.issuer}/oauth/authorize?${parameters}`;
}
