/** The kernel as the host knows it: JupyterLab hangs its connection on the widget manager, other hosts tell nothing. */

import type { Model } from "./bridge";

const LOOK_MS = 250;

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
      idle = isIdle(model) ? idle + LOOK_MS : 0;
      if (idle >= milliseconds) resolve();
    }, LOOK_MS);
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
