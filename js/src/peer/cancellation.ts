/** Requests of the kernel that it may give up, as when its user interrupts a cell while a permission prompt is shown. */

/** A busy kernel may give up a request whose reply has left already; of so many the page still knows what to end. */
const MAX_SETTLED = 50;

export class Cancellation {
  readonly #requests = new Map<string, AbortController>();
  readonly #settled: string[] = [];

  /** Runs a request; its signal is aborted when the kernel cancels it, even after it has settled. */
  async run<T>(request: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#requests.set(request, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#settled.push(request);
      if (this.#settled.length > MAX_SETTLED) this.#requests.delete(this.#settled.shift() ?? "");
    }
  }

  cancel(request: string): void {
    this.#requests.get(request)?.abort(new DOMException("Python has given up the operation.", "OperationError"));
  }
}
