/** What a caller sent, judged by shape alone: is it a request of JSON-RPC 2.0, and what is wrong with its parameters? */
import {
  JSON_RPC_ERRORS,
  type JsonRpcErrorObject,
  type JsonRpcFailure,
  type JsonRpcId,
  type JsonRpcRequest,
} from "@codex-authd/shared";
import type { z } from "zod";
import { invalidRequest } from "./answers.js";

/** A message that names more failing fields than this is not read to its end. */
const ISSUES_SHOWN_MAX = 3;

/** The request in `message`, or the failure to answer it with. An id that can be read is echoed even then. */
export function parseRequest(message: unknown): JsonRpcRequest | JsonRpcFailure {
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    return refused("a request is an object", null);
  }
  const { jsonrpc, method, params, id } = message as Record<string, unknown>;
  if (id !== undefined && !isId(id)) return refused("id is a string, a number or null", null);
  if (jsonrpc !== "2.0") return refused('jsonrpc is "2.0"', id);
  if (typeof method !== "string") return refused("method is a string", id);
  if (params !== undefined && !isStructured(params)) return refused("params is an object or an array", id);
  return { jsonrpc, method, params, ...(id === undefined ? {} : { id }) };
}

/** −32602 with the path of each failing field; never with the value that was sent. */
export function invalidParams(error: z.ZodError): JsonRpcErrorObject {
  const issues = error.issues.slice(0, ISSUES_SHOWN_MAX).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
  });
  return { code: JSON_RPC_ERRORS.invalidParams, message: `Invalid params: ${issues.join("; ")}` };
}

/** True when objects and arrays in `value` are nested more than `levels` deep. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function refused(rule: string, id: JsonRpcId | undefined): JsonRpcFailure {
  return { jsonrpc: "2.0", error: invalidRequest(rule), id: id ?? null };
}

/** A number that JSON cannot give back (1e999) is no id. */
function isId(id: unknown): id is JsonRpcId {
  return id === null || typeof id === "string" || Number.isFinite(id);
}

function isStructured(params: unknown): boolean {
  return typeof params === "object" && params !== null;
}
