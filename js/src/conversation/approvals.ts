/** Asks the person at the page whether the model may call a function of the notebook with these arguments. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { ApprovalRequest } from "../comm/protocol";

export class Approvals {
  readonly #pending = signal<readonly ApprovalRequest[]>([]);
  readonly #resolvers = new Map<ApprovalRequest, (approved: boolean) => void>();

  /** The requests that wait for a decision, oldest first. */
  get pending(): ReadonlySignal<readonly ApprovalRequest[]> {
    return this.#pending;
  }

  /** Resolves with the person's decision; without one in time, with false. */
  ask(request: ApprovalRequest): Promise<boolean> {
    this.#pending.value = [...this.#pending.value, request];
    const timer = setTimeout(() => this.decide(request, false), request.seconds * 1_000);
    return new Promise<boolean>((resolve) => this.#resolvers.set(request, resolve)).finally(() => clearTimeout(timer));
  }

  decide(request: ApprovalRequest, isApproved: boolean): void {
    this.#pending.value = this.#pending.value.filter((one) => one !== request);
    this.#resolvers.get(request)?.(isApproved);
    this.#resolvers.delete(request);
  }

  /** The decisions are no longer needed. */
  withdraw(): void {
    for (const request of this.#pending.value) this.decide(request, false);
  }
}
