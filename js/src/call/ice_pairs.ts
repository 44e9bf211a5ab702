/** The candidate pairs that ICE has tried, and the results of their checks (W3C WebRTC Statistics, `candidate-pair`). */

export interface CandidatePair {
  /** Kind and address, such as `host 192.168.1.5:50000`; a browser may hide the address. */
  readonly local: string;
  readonly remote: string;
  readonly protocol: string;
  /** As in RFC 8445: frozen, waiting, in-progress, failed, succeeded. */
  readonly state: string;
  /** How many checks were sent, and how many were answered. */
  readonly sent: number;
  readonly answered: number;
  /** Whether it was chosen. */
  readonly selected: boolean;
}

const SAMPLE_MS = 1_000;

interface StatsReport {
  readonly id: string;
  readonly type: string;
  readonly [name: string]: unknown;
}

/** Keeps the pairs of one connection: browsers drop the failed ones, and all of them with the connection. */
export class CandidatePairs {
  readonly #getStats: () => Promise<RTCStatsReport>;
  readonly #found = new Map<string, CandidatePair>();

  constructor(getStats: () => Promise<RTCStatsReport>) {
    this.#getStats = getStats;
  }

  get all(): readonly CandidatePair[] {
    return [...this.#found.values()];
  }

  /** Reads the pairs now; does nothing when the connection is closed. */
  async sample(): Promise<void> {
    const stats = await this.#getStats().catch(() => undefined);
    if (stats) for (const [id, pair] of pairsIn(stats)) this.#found.set(id, pair);
  }

  /** Reads the pairs every second until the signal is aborted. */
  watch(signal: AbortSignal): void {
    if (signal.aborted) return;
    const timer = setInterval(() => void this.sample(), SAMPLE_MS);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }
}

/** The pairs in a report of `getStats`, by their ids. */
export function pairsIn(stats: RTCStatsReport): ReadonlyMap<string, CandidatePair> {
  const reports = new Map<string, StatsReport>(stats.entries());
  const chosen = new Set([...reports.values()].map(({ selectedCandidatePairId }) => selectedCandidatePairId));
  const pairs = [...reports.values()].filter(({ type }) => type === "candidate-pair");
  return new Map(
    pairs.map((pair) => {
      const local = reports.get(String(pair.localCandidateId));
      const found: CandidatePair = {
        local: describe(local),
        remote: describe(reports.get(String(pair.remoteCandidateId))),
        protocol: String(local?.protocol ?? ""),
        state: String(pair.state ?? ""),
        sent: Number(pair.requestsSent ?? 0),
        answered: Number(pair.responsesReceived ?? 0),
        // In Firefox the pair has it, in the standard the transport.
        selected: chosen.has(pair.id) || pair.selected === true,
      };
      return [pair.id, found];
    }),
  );
}

function describe(candidate: StatsReport | undefined): string {
  if (!candidate) return "unknown";
  const { candidateType, address, port } = candidate;
  return `${String(candidateType ?? "")} ${address ? String(address) : "hidden"}:${String(port ?? "")}`;
}
