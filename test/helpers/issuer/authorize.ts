import { randomUUID } from "node:crypto";
import { type Answer, html, redirect } from "./answers.js";
import type { Endpoint, IssuerContext } from "./endpoint.js";
import { departuresFrom, NOT_EMPTY, type RequestForm } from "./form.js";
import { UPSTREAM_SCOPE } from "./jwt.js";
import { consentPage, messagePage } from "./pages.js";
import { type RecordedRequest, textOf } from "./requests.js";
import type { TestUser } from "./users.js";

interface AuthorizationRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly state: string;
  readonly scope: string;
  readonly originator: string;
}

/** The authorization endpoint (RFC 6749 §3.1, RFC 7636) and the form of its page. */
export function createAuthorizeEndpoints(context: IssuerContext): {
  authorize: Endpoint;
  decision: Endpoint;
} {
  const pending = new Map<string, AuthorizationRequest>();
  return { authorize: createAuthorize(context, pending), decision: createDecision(context, pending) };
}

function createAuthorize(context: IssuerContext, pending: Map<string, AuthorizationRequest>): Endpoint {
  const form = authorizationForm(context);
  return {
    inspect: (request) => departuresFrom(form, request),
    refuse: badRequest,
    handle(request) {
      const wanted = readAuthorizationRequest(request);
      if (context.settings.autoApprove) return redirect(302, approve(context, wanted, context.findUser()));
      const requestId = randomUUID();
      pending.set(requestId, wanted);
      const { users } = context;
      const hidden = { request_id: requestId };
      const action = "/oauth/authorize/decision";
      return html(
        200,
        consentPage(wanted.originator, { action, hidden, users, signedIn: context.findUser() }),
      );
    },
  };
}

function createDecision(context: IssuerContext, pending: Map<string, AuthorizationRequest>): Endpoint {
  const form: RequestForm = {
    contentType: "application/x-www-form-urlencoded",
    required: {
      request_id: (id) => pending.has(id),
      account: NOT_EMPTY,
      decision: ["continue", "cancel"],
    },
  };
  return {
    inspect: (request) => departuresFrom(form, request),
    refuse: badRequest,
    handle(request) {
      const requestId = textOf(request, "request_id");
      const wanted = pending.get(requestId);
      if (wanted === undefined) return badRequest(["request_id is unknown"]);
      pending.delete(requestId);
      if (textOf(request, "decision") === "cancel") return redirect(303, denial(wanted));
      return redirect(303, approve(context, wanted, context.findUser(textOf(request, "account"))));
    },
  };
}

/** Every parameter of codex-cli 0.169's authorization request. */
function authorizationForm({ clientIds }: IssuerContext): RequestForm {
  return {
    required: {
      response_type: "code",
      client_id: clientIds,
      redirect_uri: isLoopbackRedirectUri,
      code_challenge: /^[A-Za-z0-9_-]{43}$/,
      code_challenge_method: "S256",
      state: /^[A-Za-z0-9_-]{43,}$/,
      scope: UPSTREAM_SCOPE,
      id_token_add_organizations: "true",
      codex_cli_simplified_flow: "true",
      originator: NOT_EMPTY,
    },
    optional: { allowed_workspace_id: /^[^,]+(,[^,]+)*$/ },
  };
}

/** Both hosts occur: codex-cli 0.169 sends 127.0.0.1, older ones localhost. */
function isLoopbackRedirectUri(text: string): boolean {
  return (
    /^http:\/\/(localhost|127\.0\.0\.1):[1-9][0-9]{0,4}\/auth\/callback$/.test(text) && URL.canParse(text)
  );
}

function readAuthorizationRequest(request: RecordedRequest): AuthorizationRequest {
  return {
    clientId: textOf(request, "client_id"),
    redirectUri: textOf(request, "redirect_uri"),
    codeChallenge: textOf(request, "code_challenge"),
    state: textOf(request, "state"),
    scope: textOf(request, "scope"),
    originator: textOf(request, "originator"),
  };
}

function approve(context: IssuerContext, wanted: AuthorizationRequest, user: TestUser): string {
  const { redirectUri, scope, state } = wanted;
  const code = context.grants.issueCode({ ...wanted, user });
  return `${redirectUri}?${new URLSearchParams({ code, scope, state })}`;
}

function denial({ redirectUri, state }: AuthorizationRequest): string {
  const response = { error: "access_denied", error_description: "The user cancelled the sign-in.", state };
  return `${redirectUri}?${new URLSearchParams(response)}`;
}

function badRequest(departures: readonly string[]): Answer {
  return html(400, messagePage("Bad authorization request", departures));
}
