import { apiError, json } from "./answers.js";
import type { Endpoint, IssuerContext } from "./endpoint.js";
import { departuresFrom, NOT_EMPTY, type RequestForm } from "./form.js";
import { textOf } from "./requests.js";

/** The revocation endpoint (RFC 7009): any token of a family revokes all of it, and an unknown one is no error. */
export function createRevocationEndpoint({ clientIds, grants }: IssuerContext): Endpoint {
  const refreshTokenForm: RequestForm = {
    contentType: "application/json",
    required: { token: NOT_EMPTY, token_type_hint: "refresh_token", client_id: clientIds },
  };
  const accessTokenForm: RequestForm = {
    contentType: "application/json",
    required: { token: NOT_EMPTY, token_type_hint: "access_token" },
  };
  return {
    inspect(request) {
      const isAccessToken = textOf(request, "token_type_hint") === "access_token";
      return departuresFrom(isAccessToken ? accessTokenForm : refreshTokenForm, request);
    },
    refuse: (departures) => apiError(400, "invalid_request", departures.join(", ")),
    handle(request) {
      const family = grants.findFamily(textOf(request, "token"));
      if (family !== undefined) family.revokedBecause ??= "revoked";
      return json(200, {});
    },
  };
}
