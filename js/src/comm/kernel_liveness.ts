/**
 * Whether the kernel is still there. A busy kernel is; one that restarts, ends or dies is not.
 *
 * Hosts tell by different signs: anywidget passes `comm_live_update` on (a restart), JupyterLab's kernel connection has a status
 * (a death, which fires no widget event at all), and everywhere the kernel's own thread gives a sign of life every few seconds
 * while there is a call, even while a cell runs. Only where the host tells nothing is silence taken for an end.
 */

import type { Model } from "./model";

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

/** The kernel as the host knows it: JupyterLab hangs its connection on the widget manager, other hosts tell nothing. */

const IDLE_POLL_MS = 250;

/** What JupyterLab's `Kernel.IKernelConnection` shows of itself, as far as it matters here. */
export interface KernelConnection {
  readonly status: string;
  readonly connectionStatus: string;
  readonly isDisposed: boolean;
  readonly statusChanged: LuminoSignal;
  readonly disposed: LuminoSignal;
}

interface LuminoSignal {
  connect(slot: (sender: unknown, value: unknown) => void): void;
  disconnect(slot: (sender: unknown, value: unknown) => void): void;
}

export function kernelOf(model: Model): KernelConnection | undefined {
  // anywidget hands the host's own manager through; what it is made of is each host's matter.
  const kernel = (model.widget_manager as { kernel?: unknown } | undefined)?.kernel;
  return isKernelConnection(kernel) ? kernel : undefined;
}

/** Whether the host says that the kernel has nothing to do, or that there is none. */
export function isIdle(model: Model): boolean {
  const manager = model.widget_manager as { kernel?: unknown } | undefined;
  return manager?.kernel === null || kernelOf(model)?.status === "idle";
}

/** Resolves when the kernel has been idle for so long on end; never where the host does not tell. */
export function idleFor(milliseconds: number, model: Model, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return;
    let idle = 0;
    const timer = setInterval(() => {
      idle = isIdle(model) ? idle + IDLE_POLL_MS : 0;
      if (idle >= milliseconds) resolve();
    }, IDLE_POLL_MS);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  });
}

function isKernelConnection(value: unknown): value is KernelConnection {
  if (typeof value !== "object" || value === null) return false;
  return (
    "status" in value &&
    "connectionStatus" in value &&
    hasSignal(value, "statusChanged") &&
    hasSignal(value, "disposed")
  );
}

function hasSignal(value: object, name: string): boolean {
  const signal: unknown = name in value ? value[name as keyof typeof value] : undefined;
  return typeof signal === "object" && signal !== null && "connect" in signal && "disconnect" in signal;
}
