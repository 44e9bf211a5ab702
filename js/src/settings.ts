/** How calls are made and when they end, as Python has set it; read again at each use. */

import type { Model } from "./comm/model";
import { isRecord, isText, textOr } from "./json";

/** How a lost connection is replaced; all times in milliseconds. */
export interface Reconnect {
  /** The most new calls in a row without a healthy connection between them. */
  readonly maxAttempts: number;
  /** How long WebRTC may try to reconnect by itself. */
  readonly graceMs: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly attemptTimeoutMs: number;
}

/** Names a clip that the kernel has. */
export interface ClipId {
  readonly clip: string;
}

/** The input audio: the microphone (true), none (false), only clips that Python plays, or first of all a clip. */
export type InputSource = boolean | "clips" | ClipId;

export interface Settings {
  readonly microphone: InputSource;
  /** Who posts the offer: the kernel with its key, or the page with a short-lived secret. */
  readonly exchange: "kernel" | "browser";
  readonly reconnect: Reconnect | null;
  readonly maxDurationMs: number;
  /** How long a call may last while no view shows it. */
  readonly viewTimeoutMs: number;
  /** Whether the kernel has a server to call. */
  readonly canCall: boolean;
  /** The name of the wire protocol on the data channel. */
  readonly protocol: string;
  /** Whether a written message interrupts the voice. */
  readonly textInterrupts: boolean;
  /** How much of the interface is shown: all, or one line. */
  readonly layout: "full" | "compact";
  /** Whether calls are recorded. */
  readonly record: boolean;
  /** How long between two samples of the statistics; null for none. */
  readonly statsIntervalMs: number | null;
}

export const DEFAULT_SETTINGS: Settings = {
  microphone: true,
  exchange: "kernel",
  reconnect: { maxAttempts: 3, graceMs: 5_000, backoffMs: 500, maxBackoffMs: 8_000, attemptTimeoutMs: 15_000 },
  maxDurationMs: 3_600_000,
  viewTimeoutMs: 10_000,
  canCall: true,
  protocol: "realtime",
  textInterrupts: true,
  layout: "full",
  record: false,
  statsIntervalMs: 1_000,
};

export function readSettings(model: Pick<Model, "get">): Settings {
  const given: unknown = model.get("settings");
  if (!isRecord(given)) return DEFAULT_SETTINGS;
  return {
    microphone: readMicrophone(given.microphone),
    exchange: given.exchange === "browser" ? "browser" : "kernel",
    reconnect: given.reconnect === null ? null : readReconnect(given.reconnect),
    maxDurationMs: milliseconds(given.max_duration, DEFAULT_SETTINGS.maxDurationMs),
    viewTimeoutMs: milliseconds(given.view_timeout, DEFAULT_SETTINGS.viewTimeoutMs),
    canCall: given.can_call !== false,
    protocol: textOr(given.protocol, DEFAULT_SETTINGS.protocol),
    textInterrupts: given.text_interrupts !== false,
    layout: given.layout === "compact" ? "compact" : "full",
    record: given.record === true,
    statsIntervalMs: given.stats_interval === null ? null : milliseconds(given.stats_interval, 1_000),
  };
}

function readMicrophone(given: unknown): InputSource {
  if (isRecord(given) && isText(given.clip)) return { clip: given.clip };
  return given === "clips" ? given : given !== false;
}

function readReconnect(given: unknown): Reconnect | null {
  const fallback = DEFAULT_SETTINGS.reconnect;
  if (!isRecord(given) || !fallback) return fallback;
  const { max_attempts: maxAttempts } = given;
  return {
    maxAttempts: typeof maxAttempts === "number" ? maxAttempts : fallback.maxAttempts,
    graceMs: milliseconds(given.grace, fallback.graceMs),
    backoffMs: milliseconds(given.backoff, fallback.backoffMs),
    maxBackoffMs: milliseconds(given.max_backoff, fallback.maxBackoffMs),
    attemptTimeoutMs: milliseconds(given.attempt_timeout, fallback.attemptTimeoutMs),
  };
}

/** Exponential backoff with jitter: a thousand pages that lost one server must not call it at the same time. */
export function pauseBeforeAttempt(
  attempt: number,
  { backoffMs, maxBackoffMs }: Reconnect,
  random = Math.random,
): number {
  const whole = Math.min(backoffMs * 2 ** (attempt - 1), maxBackoffMs);
  return whole / 2 + (random() * whole) / 2;
}

function milliseconds(seconds: unknown, fallback: number): number {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : fallback;
}
