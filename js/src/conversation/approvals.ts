/** Questions to the person at the page: may the model call this function of the notebook, with these arguments? */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Question } from "../comm/protocol";

export class Questions {
  readonly #open = signal<readonly Question[]>([]);
  readonly #answers = new Map<Question, (approved: boolean) => void>();

  /** Those that wait for an answer, oldest first. */
  get open(): ReadonlySignal<readonly Question[]> {
    return this.#open;
  }

  /** Resolves with the person's answer; silence is a no. */
  ask(question: Question): Promise<boolean> {
    this.#open.value = [...this.#open.value, question];
    const timer = setTimeout(() => this.answer(question, false), question.seconds * 1_000);
    return new Promise<boolean>((resolve) => this.#answers.set(question, resolve)).finally(() => clearTimeout(timer));
  }

  answer(question: Question, approved: boolean): void {
    this.#open.value = this.#open.value.filter((one) => one !== question);
    this.#answers.get(question)?.(approved);
    this.#answers.delete(question);
  }

  /** Nobody waits for the answers any more. */
  withdraw(): void {
    for (const question of this.#open.value) this.answer(question, false);
  }
}
