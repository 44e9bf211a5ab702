/**
 * Whether the kernel is alive. A busy kernel is; one that restarts, ends or dies is not.
 *
 * Hosts report it in different ways: anywidget passes `comm_live_update` on (a restart), and JupyterLab's kernel connection
 * has a status (a death, for which there is no widget event). During a call the kernel's own thread also sends a message
 * every few seconds, even while a cell runs. Only where the host reports nothing does silence count as an end.
 *
 * A restart from another window changes no status here. But each kernel process names its own session in the messages that it
 * sends, and JupyterLab shows them to every window.
 */

import { isRecord, isText } from "../json";
import type { Model } from "./model";

const SILENCE_MS = 60_000;
const CHECK_MS = 5_000;
const DEAD_STATUSES = new Set<unknown>(["restarting", "autorestarting", "terminating", "dead"]);

export class KernelLiveness {
  readonly #model: Model;
  readonly #onDead: () => void;
  #aliveAt = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(model: Model, onDead: () => void, signal: AbortSignal) {
    this.#model = model;
    this.#onDead = onDead;
    model.on("comm_live_update", onDead);
    const kernel = kernelOf(model);
    const onStatus = (_: unknown, status: unknown) => DEAD_STATUSES.has(status) && onDead();
    let session: string | undefined;
    const onMessage = (_: unknown, message: unknown) => {
      const latest = kernelSessionOf(message);
      if (latest === undefined) return;
      if (session !== undefined && latest !== session) onDead();
      session = latest;
    };
    kernel?.statusChanged.connect(onStatus);
    kernel?.disposed.connect(onDead);
    kernel?.iopubMessage?.connect(onMessage);
    signal.addEventListener("abort", () => {
      model.off("comm_live_update", onDead);
      kernel?.statusChanged.disconnect(onStatus);
      kernel?.disposed.disconnect(onDead);
      kernel?.iopubMessage?.disconnect(onMessage);
      this.setWatching(false);
    });
  }

  /** A message of the kernel has arrived. */
  recordAlive(): void {
    this.#aliveAt = performance.now();
  }

  /** Checks only while there is a call. */
  setWatching(watches: boolean): void {
    clearInterval(this.#timer);
    this.recordAlive();
    this.#timer = watches ? setInterval(() => this.#check(), CHECK_MS) : undefined;
  }

  #check(): void {
    const kernel = kernelOf(this.#model);
    const isReportedAlive = kernel?.connectionStatus === "connected" && !DEAD_STATUSES.has(kernel.status);
    if (!isReportedAlive && performance.now() - this.#aliveAt > SILENCE_MS) this.#onDead();
  }
}

const IDLE_POLL_MS = 250;

/** The part of JupyterLab's `Kernel.IKernelConnection` that is used here. */
export interface KernelConnection {
  readonly status: string;
  readonly connectionStatus: string;
  readonly isDisposed: boolean;
  readonly statusChanged: LuminoSignal;
  readonly disposed: LuminoSignal;
  /** Every message that the kernel publishes, whichever window has caused it. */
  readonly iopubMessage?: LuminoSignal;
}

interface LuminoSignal {
  connect(slot: (sender: unknown, value: unknown) => void): void;
  disconnect(slot: (sender: unknown, value: unknown) => void): void;
}

export function kernelOf(model: Model): KernelConnection | undefined {
  // anywidget passes on the host's own manager. JupyterLab's has the kernel connection, other hosts' have not.
  const kernel = (model.widget_manager as { kernel?: unknown } | undefined)?.kernel;
  return isKernelConnection(kernel) ? kernel : undefined;
}

/** Whether the host says that the kernel is idle, or that there is none. */
export function isIdle(model: Model): boolean {
  const manager = model.widget_manager as { kernel?: unknown } | undefined;
  const kernel = kernelOf(model);
  // Without a connection the last status is an old one, and nothing that is sent arrives.
  return manager?.kernel === null || (kernel?.status === "idle" && kernel.connectionStatus === "connected");
}

/** Resolves when the kernel has been idle for so long without a break; never where the host does not report it. */
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

/** States that only a kernel reports of itself; the server in between may say the others, in messages of its own session. */
const OWN_STATES = new Set<unknown>(["starting", "busy", "idle"]);

/** Returns the session of the kernel process (Jupyter's message header) where a message is surely a kernel's own. */
function kernelSessionOf(message: unknown): string | undefined {
  if (!isRecord(message) || !isRecord(message.header) || !isRecord(message.content)) return undefined;
  const { msg_type: type, session } = message.header;
  const isOwn = type === "status" && OWN_STATES.has(message.content.execution_state);
  return isOwn && isText(session) ? session : undefined;
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
