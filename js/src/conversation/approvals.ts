/** Asks the person at the page whether the model may call a function of the notebook with these arguments. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { ApprovalRequest } from "../comm/protocol";

export class Approvals {
  readonly #pending = signal<readonly ApprovalRequest[]>([]);
  readonly #answers = new Map<ApprovalRequest, (approved: boolean) => void>();

  /** The requests that wait for an answer, oldest first. */
  get pending(): ReadonlySignal<readonly ApprovalRequest[]> {
    return this.#pending;
  }

  /** Resolves with the person's answer; without one in time, with false. */
  ask(request: ApprovalRequest): Promise<boolean> {
    this.#pending.value = [...this.#pending.value, request];
    const timer = setTimeout(() => this.answer(request, false), request.seconds * 1_000);
    return new Promise<boolean>((resolve) => this.#answers.set(request, resolve)).finally(() => clearTimeout(timer));
  }

  answer(request: ApprovalRequest, isApproved: boolean): void {
    this.#pending.value = this.#pending.value.filter((one) => one !== request);
    this.#answers.get(request)?.(isApproved);
    this.#answers.delete(request);
  }

  /** The answers are not needed any more. */
  withdraw(): void {
    for (const request of this.#pending.value) this.answer(request, false);
  }
}
