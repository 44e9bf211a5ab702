/** Asks the person at the page: may the model call this function of the notebook, with these arguments? */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { ApprovalRequest } from "../comm/protocol";

export class Approvals {
  readonly #open = signal<readonly ApprovalRequest[]>([]);
  readonly #answers = new Map<ApprovalRequest, (approved: boolean) => void>();

  /** Those that wait for an answer, oldest first. */
  get open(): ReadonlySignal<readonly ApprovalRequest[]> {
    return this.#open;
  }

  /** Resolves with the person's answer; silence is a no. */
  ask(question: ApprovalRequest): Promise<boolean> {
    this.#open.value = [...this.#open.value, question];
    const timer = setTimeout(() => this.answer(question, false), question.seconds * 1_000);
    return new Promise<boolean>((resolve) => this.#answers.set(question, resolve)).finally(() => clearTimeout(timer));
  }

  answer(question: ApprovalRequest, approved: boolean): void {
    this.#open.value = this.#open.value.filter((one) => one !== question);
    this.#answers.get(question)?.(approved);
    this.#answers.delete(question);
  }

  /** Nobody waits for the answers any more. */
  withdraw(): void {
    for (const question of this.#open.value) this.answer(question, false);
  }
}
