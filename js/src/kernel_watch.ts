/**
 * Whether the kernel is still there. A busy kernel is; one that restarts, ends or dies is not.
 *
 * Hosts tell by different signs: anywidget passes `comm_live_update` on (a restart), JupyterLab's kernel connection has a status
 * (a death, which fires no widget event at all), and everywhere the kernel's own thread gives a sign of life every few seconds
 * while there is a call, even while a cell runs. Only where the host tells nothing is silence taken for an end.
 */

import type { Model } from "./bridge";
import { kernelOf } from "./host_kernel";

const SILENCE_MS = 60_000;
const LOOK_MS = 5_000;
const GONE = new Set<unknown>(["restarting", "autorestarting", "terminating", "dead"]);

export class KernelWatch {
  readonly #model: Model;
  readonly #onGone: () => void;
  #heardAt = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(model: Model, onGone: () => void, signal: AbortSignal) {
    this.#model = model;
    this.#onGone = onGone;
    model.on("comm_live_update", onGone);
    const kernel = kernelOf(model);
    const onStatus = (_: unknown, status: unknown) => GONE.has(status) && onGone();
    kernel?.statusChanged.connect(onStatus);
    kernel?.disposed.connect(onGone);
    signal.addEventListener("abort", () => {
      model.off("comm_live_update", onGone);
      kernel?.statusChanged.disconnect(onStatus);
      kernel?.disposed.disconnect(onGone);
      this.setWatching(false);
    });
  }

  /** The kernel gave a sign of life. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** Looks for signs of life only while there is a call to lose. */
  setWatching(watches: boolean): void {
    clearInterval(this.#timer);
    this.heard();
    this.#timer = watches ? setInterval(() => this.#look(), LOOK_MS) : undefined;
  }

  #look(): void {
    const kernel = kernelOf(this.#model);
    const isSeen = kernel?.connectionStatus === "connected" && !GONE.has(kernel.status);
    if (!isSeen && performance.now() - this.#heardAt > SILENCE_MS) this.#onGone();
  }
}
