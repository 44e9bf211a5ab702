/** What a sample of the statistics says, by the rules of `src/rtc_widget/webrtc/stats_reports.py`. */

import type { StatsSample } from "../comm/media_outbox";
import { isRecord, type JsonObject } from "../json";

/** Undefined where the browser does not report a value. */
export interface StatsValues {
  /** Seconds: by RTCP if the other side reports it, otherwise by connectivity checks. */
  readonly roundTripTime: number | undefined;
  /** The jitter of received packets in seconds (RFC 3550, section 6.4.1). */
  readonly jitter: number | undefined;
  /** The share of packets to this side that were lost since the sample before, from 0 to 1. */
  readonly loss: number | undefined;
  /** Bits of audio per second since the sample before, without headers. */
  readonly receivedBitrate: number | undefined;
  readonly sentBitrate: number | undefined;
}

export interface Measurement {
  readonly attempt: string;
  readonly timeMs: number;
  readonly values: StatsValues;
  readonly counters: Counters;
}

interface Counters {
  readonly packetsReceived: number | undefined;
  readonly packetsLost: number | undefined;
  readonly bytesReceived: number | undefined;
  readonly bytesSent: number | undefined;
}

/** Reads a sample; rates and shares cover the time since the sample before of the same connection. */
export function measure({ attempt, timeMs, reports }: StatsSample, before?: Measurement): Measurement {
  const found = reports.filter(isRecord);
  const inbound = audioReport(found, "inbound-rtp");
  const outbound = audioReport(found, "outbound-rtp");
  const counters: Counters = {
    packetsReceived: numberIn(inbound, "packetsReceived"),
    packetsLost: numberIn(inbound, "packetsLost"),
    bytesReceived: numberIn(inbound, "bytesReceived"),
    bytesSent: numberIn(outbound, "bytesSent"),
  };
  const earlier = before?.attempt === attempt ? before : undefined;
  const growth = (name: keyof Counters) => difference(counters[name], earlier?.counters[name]);
  const seconds = earlier ? (timeMs - earlier.timeMs) / 1_000 : 0;
  const values: StatsValues = {
    roundTripTime:
      numberIn(audioReport(found, "remote-inbound-rtp"), "roundTripTime") ??
      numberIn(usedPair(found), "currentRoundTripTime"),
    jitter: numberIn(inbound, "jitter"),
    loss: share(growth("packetsLost"), growth("packetsReceived")),
    receivedBitrate: bitrate(growth("bytesReceived"), seconds),
    sentBitrate: bitrate(growth("bytesSent"), seconds),
  };
  return { attempt, timeMs, values, counters };
}

function audioReport(reports: readonly JsonObject[], type: string): JsonObject {
  return reports.find((report) => report.type === type && (report.kind ?? "audio") === "audio") ?? {};
}

function usedPair(reports: readonly JsonObject[]): JsonObject {
  const chosen = reports.filter(({ type }) => type === "transport").map((report) => report.selectedCandidatePairId);
  // Firefox marks the pair itself.
  return (
    reports.find(({ id }) => id !== undefined && chosen.includes(id)) ??
    reports.find(({ type, selected }) => type === "candidate-pair" && selected === true) ??
    {}
  );
}

function numberIn(report: JsonObject, name: string): number | undefined {
  const value = report[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}

/** Late packets reduce the number of lost ones, so it may decrease. */
function share(lost: number | undefined, received: number | undefined): number | undefined {
  if (lost === undefined || received === undefined || lost + received <= 0) return undefined;
  return Math.max(0, lost / (lost + received));
}

/** A counter that has decreased belongs to another stream. */
function bitrate(bytes: number | undefined, seconds: number): number | undefined {
  return bytes === undefined || bytes < 0 || seconds <= 0 ? undefined : (8 * bytes) / seconds;
}
