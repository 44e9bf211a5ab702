/** The candidate pairs that ICE tries, read from the statistics: there are no events for them. */

import type { JsonObject } from "../json";

/** The end of a pair: one candidate (W3C WebRTC Statistics, `local-candidate` and `remote-candidate`). */
export interface PairEnd {
  readonly type: string;
  readonly address: string | null;
  readonly port: number | null;
  readonly protocol: string;
}

export interface Pair {
  readonly id: string;
  readonly local: PairEnd;
  readonly remote: PairEnd;
  readonly priority: number | null;
  /** As in RFC 8445: frozen, waiting, in-progress, failed, succeeded; or "given up" when the browser has dropped it. */
  readonly state: string;
  /** How many checks were sent, and how many were answered. */
  readonly sent: number;
  readonly answered: number;
  /** Seconds; null before the first answer. */
  readonly rtt: number | null;
  readonly selected: boolean;
}

const CHECKING_MS = 200;
const CONNECTED_MS = 1_000;
/** How long the pairs are read after ICE has stopped checking. */
const AFTERWARDS_MS = 20_000;

const BUSY: ReadonlySet<RTCIceConnectionState> = new Set(["checking", "disconnected"]);

/** Reads the pairs while ICE is checking, and for a while afterwards. */
export class PairReader {
  readonly #pc: RTCPeerConnection;
  readonly #onPairs: (pairs: readonly Pair[]) => void;
  readonly #signal: AbortSignal;
  readonly #seen = new Map<string, Pair>();
  #last = "";
  #until = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(pc: RTCPeerConnection, onPairs: (pairs: readonly Pair[]) => void, signal: AbortSignal) {
    this.#pc = pc;
    this.#onPairs = onPairs;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** ICE has another state. */
  follow(state: RTCIceConnectionState): void {
    if (state === "new" || state === "closed") return;
    this.#until = performance.now() + AFTERWARDS_MS;
    clearTimeout(this.#timer);
    void this.#read();
  }

  async #read(): Promise<void> {
    const report = await this.#pc.getStats().catch(() => undefined);
    if (this.#signal.aborted || !report) return;
    this.#report(pairsIn(report));
    clearTimeout(this.#timer);
    const isBusy = BUSY.has(this.#pc.iceConnectionState);
    if (isBusy || performance.now() < this.#until) {
      this.#timer = setTimeout(() => void this.#read(), isBusy ? CHECKING_MS : CONNECTED_MS);
    }
  }

  #report(pairs: readonly Pair[]): void {
    const present = new Set(pairs.map(({ id }) => id));
    for (const [id, pair] of this.#seen) {
      if (present.has(id)) continue;
      if (pairs.some((other) => isSamePair(pair, other))) this.#seen.delete(id);
      else this.#seen.set(id, { ...pair, state: "given up", selected: false });
    }
    for (const pair of pairs) this.#seen.set(pair.id, pair);
    const all = [...this.#seen.values()];
    const text = JSON.stringify(all);
    if (text === this.#last || all.length === 0) return;
    this.#last = text;
    this.#onPairs(all);
  }
}

/** Whether a pair goes on as another: its remote candidate was known by its checks only (prflx), then it was told. */
function isSamePair({ local, remote }: Pair, other: Pair): boolean {
  const isToldNow = remote.type === "prflx" && other.remote.type !== "prflx";
  return isToldNow && isSameEnd(local, other.local) && isSameEnd({ ...remote, address: null }, other.remote);
}

/** Browsers hide the address of a candidate that was not told; port and protocol remain. */
function isSameEnd(one: PairEnd, other: PairEnd): boolean {
  const isSameAddress = one.address === null || one.address === other.address;
  return isSameAddress && one.port === other.port && one.protocol === other.protocol;
}

/** The pairs in a report of `getStats`, in its order. */
export function pairsIn(stats: RTCStatsReport): readonly Pair[] {
  const reports = new Map<string, JsonObject>(stats.entries());
  const selected = new Set([...reports.values()].map((report) => report.selectedCandidatePairId));
  return [...reports.entries()]
    .filter(([, { type }]) => type === "candidate-pair")
    .map(([id, pair]) => ({
      id,
      local: endOf(reports.get(String(pair.localCandidateId))),
      remote: endOf(reports.get(String(pair.remoteCandidateId))),
      priority: numberOrNull(pair.priority),
      state: String(pair.state ?? ""),
      sent: numberOrNull(pair.requestsSent) ?? 0,
      answered: numberOrNull(pair.responsesReceived) ?? 0,
      rtt: numberOrNull(pair.currentRoundTripTime),
      // In Firefox the pair has it, in the standard the transport.
      selected: selected.has(id) || pair.selected === true,
    }));
}

function endOf(candidate: JsonObject | undefined): PairEnd {
  const { candidateType, address, port, protocol } = candidate ?? {};
  return {
    type: String(candidateType ?? ""),
    address: address ? String(address) : null,
    port: numberOrNull(port),
    protocol: String(protocol ?? ""),
  };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
