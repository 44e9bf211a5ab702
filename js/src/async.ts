/** Waiting that a signal or a time limit can end, and the time at which events leave for the kernel. */

/** Waits for a promise; rejects with the signal's reason when the signal is aborted. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    // Check abort first: if both settled, discard the result.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Waits for a promise for at most so many milliseconds; after that, `late` returns the result or throws. */
export async function within<T>(milliseconds: number, promise: Promise<T>, late: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise that is settled from outside. Its rejection may be ignored: the state shows the error as well. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #isSettled = false;
  #resolve: (value: T) => void = () => {};
  #reject: (reason: unknown) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => {});
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  resolve(value: T): void {
    this.#isSettled = true;
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    this.#isSettled = true;
    this.#reject(reason);
  }
}

/** Calls back in the next task; unlike a timer also at once in a hidden page. */
export function nextTask(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}

const HIDDEN_PAUSE_MS = 4;
const MAX_FRAME_MS = 100;

/**
 * Calls back at the next animation frame, or at about that time where there are no frames; returns a function that cancels it.
 *
 * Hidden pages get no frames and their timers run once a second, but messages of a page to itself still arrive; they are
 * posted again until a few milliseconds are over. An iframe that is not displayed gets no frames either while its page is
 * visible; the timer covers this.
 */
export function nextFrame(callback: () => void): () => void {
  const end = new AbortController();
  const call = () => {
    end.abort();
    callback();
  };
  if (document.visibilityState === "hidden") passMessages(call, end.signal);
  else {
    const frame = requestAnimationFrame(call);
    const timer = setTimeout(call, MAX_FRAME_MS);
    end.signal.addEventListener("abort", () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    });
  }
  return () => end.abort();
}

function passMessages(callback: () => void, signal: AbortSignal): void {
  const { port1, port2 } = new MessageChannel();
  const due = performance.now() + HIDDEN_PAUSE_MS;
  port1.onmessage = () => {
    if (performance.now() >= due) callback();
    else port2.postMessage(null);
  };
  signal.addEventListener("abort", () => port1.close());
  port2.postMessage(null);
}
