import { setTimeout as delay } from "node:timers/promises";
import { type Answer, json, redirect } from "./answers.js";
import type { TestUser } from "./users.js";

/**
 * What goes wrong with one request. With `afterCommit` the request is carried out first (a refresh token is spent,
 * its successor issued), and only the answer is lost; without it nothing happens behind the answer. The kinds
 * without that choice spoil the true answer, so they always commit.
 */
export type Fault =
  | (AnswerFault & { afterCommit?: boolean })
  | { kind: "delay"; delayMs: number }
  | { kind: "truncated" }
  | { kind: "wrongContentType" }
  | { kind: "missingField"; field: string }
  | { kind: "otherAccount"; user: TestUser };

type AnswerFault =
  /** A text body is sent as text/plain, any other as JSON; without one the body is empty. */
  | { kind: "status"; status: number; body?: unknown; headers?: Record<string, string> }
  /** 302 to `location`, by default to a place that does not exist. */
  | { kind: "redirect"; location?: string }
  /** Never answers. */
  | { kind: "hang" }
  /** TCP RST; without `afterCommit` even before the body is read. */
  | { kind: "reset" }
  /** 200 with HTML that claims to be JSON. */
  | { kind: "garbage" }
  /** 200 without a body. */
  | { kind: "empty" }
  /** 200 with well-formed JSON of about this size, by default 32 MiB. */
  | { kind: "huge"; bytes?: number };

/** What happens on the wire. */
export type Delivery = { kind: "whole" | "half"; answer: Answer } | { kind: "hang" | "reset" };

/** Carries the request out, once, and tells the true answer. */
export type Commit = (asUser?: TestUser) => Answer;

/** 32 MiB: far more than any client should be willing to keep. */
const HUGE_BYTES = 32 * 1024 * 1024;

const JSON_TYPE = { "content-type": "application/json" };

/** Turns a fault into what happens on the wire. */
export async function applyFault(fault: Fault, commit: Commit): Promise<Delivery> {
  switch (fault.kind) {
    case "delay":
      await delay(fault.delayMs, undefined, { ref: false });
      return { kind: "whole", answer: commit() };
    case "truncated":
      return { kind: "half", answer: commit() };
    case "wrongContentType":
      return { kind: "whole", answer: { ...commit(), headers: { "content-type": "text/html" } } };
    case "missingField":
      return { kind: "whole", answer: withoutField(commit(), fault.field) };
    case "otherAccount":
      return { kind: "whole", answer: commit(fault.user) };
    default:
      if (fault.afterCommit === true) commit();
      return insteadOfAnswer(fault);
  }
}

function insteadOfAnswer(fault: AnswerFault): Delivery {
  switch (fault.kind) {
    case "hang":
    case "reset":
      return { kind: fault.kind };
    case "status":
      return { kind: "whole", answer: statusAnswer(fault) };
    case "redirect":
      return { kind: "whole", answer: redirect(302, fault.location ?? "http://127.0.0.1:9/elsewhere") };
    case "garbage":
      return { kind: "whole", answer: { status: 200, headers: JSON_TYPE, body: "<html>Bad Gateway</html>" } };
    case "empty":
      return { kind: "whole", answer: { status: 200, headers: JSON_TYPE, body: "" } };
    case "huge":
      return { kind: "whole", answer: json(200, { access_token: "x".repeat(fault.bytes ?? HUGE_BYTES) }) };
  }
}

function statusAnswer({ status, body, headers = {} }: Extract<AnswerFault, { kind: "status" }>): Answer {
  if (body === undefined) return { status, headers, body: "" };
  if (typeof body === "string")
    return { status, headers: { "content-type": "text/plain", ...headers }, body };
  return json(status, body, headers);
}

function withoutField(answer: Answer, field: string): Answer {
  const { [field]: _left, ...others } = JSON.parse(answer.body);
  return { ...answer, body: JSON.stringify(others) };
}
