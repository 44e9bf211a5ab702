/**
 * Requests responses of the backend that the service runs. It refuses a request while a response runs or the output of a
 * function is owed, so that a request made meanwhile is sent afterwards.
 */

import { isRecord, isText, type JsonObject } from "../../json";
import type { TurnSender } from "../base";
import { REQUEST } from "./client_events";
import { RESPONSE_ENDS } from "./delegations";

export class ResponseRequests implements TurnSender {
  readonly #send: (texts: readonly string[]) => void;
  readonly #running = new Set<unknown>();
  /** The functions whose outputs are awaited, and the delegations of their responses. */
  readonly #owed = new Map<unknown, unknown>();
  #isRequested = false;
  #isWaiting = false;

  constructor(send: (texts: readonly string[]) => void) {
    this.#send = send;
  }

  sendTurn(texts: readonly string[]): void {
    const sendable = this.#isBusy ? texts.filter((text) => text !== REQUEST) : texts;
    this.#send(sendable);
    if (sendable.length < texts.length) this.#isWaiting = true;
  }

  sent({ type, item }: JsonObject): void {
    if (type === "response.create") {
      this.#isRequested = true;
      this.#isWaiting = false; // a response follows all items before it
    } else if (type === "response.item.create" && isRecord(item) && item.type === "function_call_output") {
      this.#owed.delete(item.call_id);
      this.#requestWhenIdle();
    }
  }

  received({ type, event, delegation_id: delegation }: JsonObject): void {
    if (type === "error") this.#isRequested = false;
    else if (type === "response.event" && isRecord(event)) this.#nested(event, isText(delegation) ? delegation : "");
    else return;
    this.#requestWhenIdle();
  }

  end(): void {
    this.#running.clear();
    this.#owed.clear();
    this.#isRequested = this.#isWaiting = false;
  }

  get #isBusy(): boolean {
    return this.#isRequested || this.#running.size > 0 || this.#owed.size > 0;
  }

  #nested({ type, response, item }: JsonObject, delegation: string): void {
    const id = isRecord(response) ? response.id : undefined;
    if (type === "response.created") {
      this.#isRequested = false;
      this.#running.add(id);
    } else if (type === "response.output_item.done" && isRecord(item)) {
      if (item.type === "function_call") this.#owed.set(item.call_id, delegation);
    } else if (RESPONSE_ENDS.has(type)) {
      this.#running.delete(id);
      if (type === "response.completed") return;
      // The service discards the calls of such a response.
      for (const [call, of] of this.#owed) if (of === delegation) this.#owed.delete(call);
    }
  }

  /** The kernel may send a request together with the last output: then this one is not needed. */
  #requestWhenIdle(): void {
    if (!this.#isWaiting || this.#isBusy) return;
    queueMicrotask(() => {
      if (!this.#isWaiting || this.#isBusy) return;
      this.#isWaiting = false;
      try {
        this.#send([REQUEST]);
      } catch {
        // The channel is closing, and nobody waits for the response.
      }
    });
  }
}
