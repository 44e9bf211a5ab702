/** How calls are made and when they end, as Python has set it; read anew whenever it matters. */

import type { Model } from "./comm/model";
import { isRecord, isText, textOr } from "./json";

/** How a lost connection is made anew; all times in milliseconds. */
export interface Reconnect {
  /** New calls made in a row, without a healthy time between them. */
  readonly maxAttempts: number;
  /** How long WebRTC may try to heal a disconnected connection by itself. */
  readonly graceMs: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly attemptTimeoutMs: number;
}

/** Names a clip that the kernel has. */
export interface ClipId {
  readonly clip: string;
}

/**
 * What is heard on this side: the microphone; nothing, for good; nothing but the clips that are said; or first of all a
 * clip, in place of a microphone.
 */
export type Voice = boolean | "clips" | ClipId;

export interface Settings {
  readonly microphone: Voice;
  /** Who posts the offer: the kernel with its key, or the page with a short-lived secret. */
  readonly exchange: "kernel" | "browser";
  readonly reconnect: Reconnect | null;
  readonly maxDurationMs: number;
  /** How long a call may go on that no view shows. */
  readonly viewGraceMs: number;
  /** Whether the kernel has a server to call. */
  readonly canCall: boolean;
  /** The name of the wire protocol on the data channel. */
  readonly protocol: string;
  /** Whether calls are recorded. */
  readonly record: boolean;
  /** How long between two looks at the statistics; null for none. */
  readonly statsIntervalMs: number | null;
}

export const DEFAULT_SETTINGS: Settings = {
  microphone: true,
  exchange: "kernel",
  reconnect: { maxAttempts: 3, graceMs: 5_000, backoffMs: 500, maxBackoffMs: 8_000, attemptTimeoutMs: 15_000 },
  maxDurationMs: 3_600_000,
  viewGraceMs: 10_000,
  canCall: true,
  protocol: "realtime",
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
    viewGraceMs: milliseconds(given.view_timeout, DEFAULT_SETTINGS.viewGraceMs),
    canCall: given.can_call !== false,
    protocol: textOr(given.protocol, DEFAULT_SETTINGS.protocol),
    record: given.record === true,
    statsIntervalMs: given.stats_interval === null ? null : milliseconds(given.stats_interval, 1_000),
  };
}

function readMicrophone(given: unknown): Voice {
  if (isRecord(given) && isText(given.clip)) return { clip: given.clip };
  return given === "clips" ? given : given !== false;
}

function readReconnect(given: unknown): Reconnect | null {
  const usual = DEFAULT_SETTINGS.reconnect;
  if (!isRecord(given) || !usual) return usual;
  const { max_attempts: most } = given;
  return {
    maxAttempts: typeof most === "number" ? most : usual.maxAttempts,
    graceMs: milliseconds(given.grace, usual.graceMs),
    backoffMs: milliseconds(given.backoff, usual.backoffMs),
    maxBackoffMs: milliseconds(given.max_backoff, usual.maxBackoffMs),
    attemptTimeoutMs: milliseconds(given.attempt_timeout, usual.attemptTimeoutMs),
  };
}

/** Exponential with full jitter above half, so that a thousand pages that lost one server do not come back as one. */
export function pauseBefore(attempt: number, { backoffMs, maxBackoffMs }: Reconnect, random = Math.random): number {
  const whole = Math.min(backoffMs * 2 ** (attempt - 1), maxBackoffMs);
  return whole / 2 + (random() * whole) / 2;
}

function milliseconds(seconds: unknown, fallback: number): number {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : fallback;
}
