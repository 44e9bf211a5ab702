/**
 * The delegations of a call, work that the voice model has handed over to a backend, and the functions that the backend
 * calls. The twin of `protocols/live/delegations.py`; `tests/contract/live_transcript.json` holds both together.
 */

import type { Turn, TurnStatus } from "../../conversation/transcript";
import { isRecord, isText, type JsonObject, textOr } from "../../json";

/** The events that end a response of the backend. */
export const RESPONSE_ENDS: ReadonlyMap<unknown, "completed" | "incomplete" | "failed"> = new Map([
  ["response.completed", "completed"],
  ["response.incomplete", "incomplete"],
  ["response.failed", "failed"],
] as const);

/** Whether an error names no client event; one that nobody can do anything about does not count. */
const isUnnamed = (error: unknown): error is JsonObject =>
  isRecord(error) && !isText(error.client_event_id) && error.code !== "context_injection_incomplete";

/** A row of the transcript, and its place on the session clock. */
export interface Work {
  readonly clockMs: number;
  row: Turn;
}

interface Delegation extends Work {
  readonly isClient: boolean;
  /** Whether its running response has called a function: another response follows. */
  callsFunctions: boolean;
  readonly responses: Set<unknown>;
}

interface FunctionWork extends Work {
  readonly delegation: Delegation | undefined;
}

export class Delegations {
  readonly #attempt: string;
  readonly #byId = new Map<unknown, Delegation>();
  readonly #calls = new Map<unknown, FunctionWork>();
  #nowMs: number | undefined;

  constructor(attempt: string) {
    this.#attempt = attempt;
  }

  get isOpen(): boolean {
    return [...this.#byId.values()].some(isOpen);
  }

  /** What was handed over, and which functions were called. */
  get works(): readonly Work[] {
    return [...this.#byId.values(), ...this.#calls.values()];
  }

  /** Takes an event, sent or received; `clockMs` is the session clock, `nowMs` the time of the event. */
  add(event: JsonObject, clockMs: number, nowMs: number | undefined): void {
    this.#nowMs = nowMs;
    const { type, delegation, delegation_id: id, event: nested, item, content, error } = event;
    if (type === "session.delegation.created" && isRecord(delegation)) this.#created(delegation, event, clockMs);
    else if (type === "response.event" && isRecord(nested)) this.#nested(this.#named(id, nested), nested, clockMs);
    else if (type === "session.commentary.append") {
      const named = this.#byId.get(id);
      this.#addResult(named, content);
      this.#end(named, "completed");
    } else if (type === "response.item.create" && isRecord(item)) this.#output(item);
    else if (type === "error" && isUnnamed(error)) {
      // The service does not say of some backends in any other way that they have failed.
      for (const one of this.#byId.values()) if (!one.isClient) this.#end(one, "failed", textOr(error.message, ""));
    } else if (type === "session.closed") this.end();
  }

  /** The call is over. */
  end(): void {
    for (const call of this.#calls.values()) if (isOpen(call)) this.#set(call, "interrupted");
    for (const one of this.#byId.values()) this.#end(one, "incomplete");
  }

  #created(
    { id, target, response_id: response }: JsonObject,
    { offset_ms: offset }: JsonObject,
    clockMs: number,
  ): void {
    if (!isText(id) || this.#byId.has(id)) return;
    const isClient = target !== "responses";
    this.#byId.set(id, {
      clockMs: typeof offset === "number" ? offset : clockMs,
      row: this.#row(`delegation/${id}`, { delegation: { id, isClient, result: "", startMs: this.#nowMs } }),
      isClient,
      callsFunctions: false,
      responses: new Set([response]),
    });
  }

  /** The delegation of a backend's event; servers may leave out its id. */
  #named(id: unknown, { response, response_id: responseId }: JsonObject): Delegation | undefined {
    if (isText(id)) return this.#byId.get(id);
    const named = isRecord(response) ? response.id : responseId;
    const running = [...this.#byId.values()].filter((one) => isOpen(one) && !one.isClient);
    return running.findLast(({ responses }) => responses.has(named)) ?? running.at(-1);
  }

  #nested(delegation: Delegation | undefined, { type, response, item }: JsonObject, clockMs: number): void {
    if (type === "response.output_item.done" && isRecord(item)) {
      if (item.type === "function_call") this.#called(delegation, item, clockMs);
      else if (item.type === "message") this.#addResult(delegation, textIn(item));
    }
    if (!delegation) return;
    if (type === "response.created") {
      delegation.callsFunctions = false;
      if (isRecord(response)) this.#began(delegation, response);
    } else if (RESPONSE_ENDS.has(type) && !(type === "response.completed" && delegation.callsFunctions)) {
      this.#end(delegation, RESPONSE_ENDS.get(type) ?? "completed", isRecord(response) ? endReason(response) : "");
    }
  }

  #began(delegation: Delegation, { id, model }: JsonObject): void {
    delegation.responses.add(id);
    if (isText(model)) this.#set(delegation, delegation.row.status, { model });
  }

  #called(delegation: Delegation | undefined, item: JsonObject, clockMs: number): void {
    if (delegation) delegation.callsFunctions = true;
    const { call_id: callId, name, arguments: given } = item;
    if (!isText(callId) || !isText(name) || this.#calls.has(callId)) return;
    const functionCall = { callId, name, arguments: textOr(given, ""), startMs: this.#nowMs };
    this.#calls.set(callId, { clockMs, row: this.#row(`function/${callId}`, { functionCall }), delegation });
  }

  #output({ type, call_id: callId, output }: JsonObject): void {
    const call = this.#calls.get(callId);
    if (type === "function_call_output" && isText(output) && call && isOpen(call))
      this.#set(call, "completed", { output });
  }

  #addResult(delegation: Delegation | undefined, text: unknown): void {
    const before = delegation?.row.delegation?.result;
    if (!delegation || !isText(text) || text === "") return;
    this.#set(delegation, delegation.row.status, { result: before ? `${before}\n${text}` : text });
  }

  /** Ends a delegation. The service discards the function calls of one that fails. */
  #end(delegation: Delegation | undefined, status: TurnStatus, reason = ""): void {
    if (!delegation || !isOpen(delegation)) return;
    if (status !== "completed") this.#addResult(delegation, reason);
    this.#set(delegation, status);
    if (status === "completed") return;
    for (const call of this.#calls.values()) {
      if (call.delegation === delegation && isOpen(call)) this.#set(call, "cancelled");
    }
  }

  /** Replaces the row, because rows are immutable; one that ends gets the time. */
  #set(work: Work, status: TurnStatus, change: JsonObject = {}): void {
    const { functionCall, delegation } = work.row;
    const changed = { ...change, ...(isOpen(work) && status !== "in_progress" ? { endMs: this.#nowMs } : {}) };
    work.row = {
      ...work.row,
      status,
      ...(functionCall && { functionCall: { ...functionCall, ...changed } }),
      ...(delegation && { delegation: { ...delegation, ...changed } }),
    };
  }

  #row(key: string, work: Pick<Turn, "functionCall" | "delegation">): Turn {
    const attempt = this.#attempt;
    return {
      key: `${attempt}/${key}`,
      attempt,
      role: "unseen",
      parts: [],
      status: "in_progress",
      isGuessed: false,
      ...work,
    };
  }
}

function isOpen({ row }: Work): boolean {
  return row.status === "in_progress";
}

/** Why a response of the backend has ended early; empty where the server does not say. */
export function endReason({ error, incomplete_details: details }: JsonObject): string {
  return isRecord(error) && isText(error.message) ? error.message : isRecord(details) ? textOr(details.reason, "") : "";
}

function textIn({ content }: JsonObject): string {
  const parts = Array.isArray(content) ? content.filter(isRecord) : [];
  return parts.flatMap(({ text }) => (isText(text) ? [text] : [])).join("\n");
}
