import { apiError, json, oauthError } from "./answers.js";
import type { Endpoint, IssuerContext } from "./endpoint.js";
import { departuresFrom, NOT_EMPTY, type RequestForm } from "./form.js";
import type { RefreshRefusal } from "./grants.js";
import { isSignedByIssuer } from "./jwt.js";
import { textOf } from "./requests.js";

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const REFUSALS: Readonly<Record<RefreshRefusal, string>> = {
  refresh_token_reused:
    "Your refresh token has already been used to generate a new access token. Please try signing in again.",
  refresh_token_invalidated: "Your refresh token has been invalidated. Please try signing in again.",
  refresh_token_expired: "Your refresh token has expired. Please try signing in again.",
};

/** The token endpoint for forms: authorization_code, and the exchange of an id_token for an API key. */
export function createTokenEndpoint(context: IssuerContext): Endpoint {
  return {
    inspect(request) {
      return departuresFrom(isKeyExchange(request) ? KEY_EXCHANGE_FORM : AUTHORIZATION_CODE_FORM, request);
    },
    refuse: (departures) => oauthError(400, "invalid_request", departures.join(", ")),
    handle(request, asUser) {
      const clientId = textOf(request, "client_id");
      if (!context.clientIds.includes(clientId)) {
        context.report("token: client_id is unknown");
        return oauthError(401, "invalid_client", "client_id is unknown");
      }
      if (isKeyExchange(request))
        return json(context.settings.apiKeyAnswer.status, context.settings.apiKeyAnswer.body);
      const redirectUri = textOf(request, "redirect_uri");
      const codeVerifier = textOf(request, "code_verifier");
      const proof = { clientId, redirectUri, codeVerifier, asUser };
      const issued = context.grants.redeemCode(textOf(request, "code"), proof);
      if (typeof issued !== "string") return json(200, issued);
      context.report(`token: ${issued}`);
      return oauthError(400, "invalid_grant", issued);
    },
  };
}

/** The token endpoint for JSON: refresh_token, with a rotation at each exchange. */
export function createRefreshEndpoint(context: IssuerContext): Endpoint {
  return {
    inspect: (request) => departuresFrom(REFRESH_FORM, request),
    refuse: (departures) => apiError(400, "invalid_request", departures.join(", ")),
    handle(request, asUser) {
      const clientId = textOf(request, "client_id");
      const refreshToken = textOf(request, "refresh_token");
      const family = context.grants.findFamily(refreshToken);
      if (!context.clientIds.includes(clientId) || (family && family.clientId !== clientId)) {
        context.report("refresh: client_id is not the one of the refresh token");
        return apiError(401, "invalid_client", "client_id is not the one of the refresh token");
      }
      const issued = context.grants.rotate(refreshToken, asUser);
      return typeof issued === "string" ? apiError(401, issued, REFUSALS[issued]) : json(200, issued);
    },
  };
}

function isKeyExchange(request: Parameters<Endpoint["handle"]>[0]): boolean {
  return textOf(request, "grant_type") === TOKEN_EXCHANGE;
}

const AUTHORIZATION_CODE_FORM: RequestForm = {
  contentType: "application/x-www-form-urlencoded",
  required: {
    grant_type: "authorization_code",
    client_id: NOT_EMPTY,
    code: NOT_EMPTY,
    redirect_uri: NOT_EMPTY,
    code_verifier: /^[A-Za-z0-9._~-]{43,128}$/,
  },
};

const KEY_EXCHANGE_FORM: RequestForm = {
  contentType: "application/x-www-form-urlencoded",
  required: {
    grant_type: TOKEN_EXCHANGE,
    client_id: NOT_EMPTY,
    requested_token: "openai-api-key",
    subject_token: isSignedByIssuer,
    subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
  },
};

const REFRESH_FORM: RequestForm = {
  contentType: "application/json",
  required: {
    client_id: NOT_EMPTY,
    grant_type: "refresh_token",
    refresh_reason: ["proactive_expiry", "scheduled", "unauthorized_recovery", "forced"],
    refresh_token: NOT_EMPTY,
  },
};
