/** Which delegations of a call are open: work that the voice model has handed over to a backend. */

import { isRecord, isText, type JsonObject } from "../../json";

/** The events that end a response of the backend. */
export const RESPONSE_ENDS: ReadonlyMap<unknown, "completed" | "incomplete" | "failed"> = new Map([
  ["response.completed", "completed"],
  ["response.incomplete", "incomplete"],
  ["response.failed", "failed"],
] as const);

/** Whether an error names no client event; one that nobody can do anything about does not count. */
const isUnnamed = (error: unknown): boolean =>
  isRecord(error) && !isText(error.client_event_id) && error.code !== "context_injection_incomplete";

interface Delegation {
  readonly isClient: boolean;
  isOpen: boolean;
  /** Whether its running response has called a function: another response follows. */
  callsFunctions: boolean;
  readonly responses: Set<unknown>;
}

export class Delegations {
  readonly #byId = new Map<unknown, Delegation>();

  get isOpen(): boolean {
    return [...this.#byId.values()].some(({ isOpen }) => isOpen);
  }

  /** Takes an event, sent or received. */
  add(event: JsonObject): void {
    const { type, delegation, delegation_id: id, event: nested } = event;
    if (type === "session.delegation.created" && isRecord(delegation)) this.#created(delegation);
    else if (type === "response.event" && isRecord(nested)) this.#nested(this.#named(id, nested), nested);
    else if (type === "session.commentary.append") this.#end(this.#byId.get(id));
    else if (type === "error" && isUnnamed(event.error)) {
      // The service does not say of some backends in any other way that they have failed.
      for (const one of this.#byId.values()) if (!one.isClient) this.#end(one);
    } else if (type === "session.closed") for (const one of this.#byId.values()) this.#end(one);
  }

  #created({ id, target, response_id: response }: JsonObject): void {
    if (!isText(id) || this.#byId.has(id)) return;
    const isClient = target !== "responses";
    this.#byId.set(id, { isClient, isOpen: true, callsFunctions: false, responses: new Set([response]) });
  }

  /** The delegation of a backend's event; servers may leave out its id. */
  #named(id: unknown, { response, response_id: responseId }: JsonObject): Delegation | undefined {
    if (isText(id)) return this.#byId.get(id);
    const named = isRecord(response) ? response.id : responseId;
    const running = [...this.#byId.values()].filter(({ isOpen, isClient }) => isOpen && !isClient);
    return running.findLast(({ responses }) => responses.has(named)) ?? running.at(-1);
  }

  #nested(delegation: Delegation | undefined, { type, response, item }: JsonObject): void {
    if (!delegation) return;
    if (type === "response.created") {
      delegation.callsFunctions = false;
      if (isRecord(response)) delegation.responses.add(response.id);
    } else if (type === "response.output_item.done") {
      delegation.callsFunctions ||= isRecord(item) && item.type === "function_call";
    } else if (RESPONSE_ENDS.has(type) && !(type === "response.completed" && delegation.callsFunctions)) {
      this.#end(delegation);
    }
  }

  #end(delegation: Delegation | undefined): void {
    if (delegation) delegation.isOpen = false;
  }
}
