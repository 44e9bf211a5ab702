/** The ways that ICE has tried: pairs of candidates and what became of their checks (W3C WebRTC Statistics, `candidate-pair`). */

export interface CandidatePair {
  /** Kind and address, such as `host 192.168.1.5:50000`; a browser may hide the address. */
  readonly local: string;
  readonly remote: string;
  readonly protocol: string;
  /** In the words of RFC 8445: frozen, waiting, in-progress, failed, succeeded. */
  readonly state: string;
  /** How many checks went out, and how many were answered. */
  readonly sent: number;
  readonly answered: number;
  /** Whether it was chosen. */
  readonly selected: boolean;
}

const LOOK_MS = 1_000;

interface Report {
  readonly id: string;
  readonly type: string;
  readonly [name: string]: unknown;
}

/** Remembers the pairs of one connection: browsers forget those that have failed, and all of them with the connection. */
export class CandidatePairs {
  readonly #getStats: () => Promise<RTCStatsReport>;
  readonly #found = new Map<string, CandidatePair>();

  constructor(getStats: () => Promise<RTCStatsReport>) {
    this.#getStats = getStats;
  }

  get all(): readonly CandidatePair[] {
    return [...this.#found.values()];
  }

  /** Looks now; harmless when the connection is closed. */
  async look(): Promise<void> {
    // A closed connection has nothing more to tell than what is known.
    const stats = await this.#getStats().catch(() => undefined);
    if (stats) for (const [id, pair] of pairsIn(stats)) this.#found.set(id, pair);
  }

  /** Looks again and again, until the signal. */
  watch(signal: AbortSignal): void {
    if (signal.aborted) return;
    const timer = setInterval(() => void this.look(), LOOK_MS);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }
}

/** The pairs in a report of `getStats`, by their ids. */
export function pairsIn(stats: RTCStatsReport): ReadonlyMap<string, CandidatePair> {
  const reports = new Map<string, Report>(stats.entries());
  const chosen = new Set([...reports.values()].map(({ selectedCandidatePairId }) => selectedCandidatePairId));
  const pairs = [...reports.values()].filter(({ type }) => type === "candidate-pair");
  return new Map(
    pairs.map((pair) => {
      const local = reports.get(String(pair.localCandidateId));
      const found: CandidatePair = {
        local: wordsFor(local),
        remote: wordsFor(reports.get(String(pair.remoteCandidateId))),
        protocol: String(local?.protocol ?? ""),
        state: String(pair.state ?? ""),
        sent: Number(pair.requestsSent ?? 0),
        answered: Number(pair.responsesReceived ?? 0),
        // Firefox says it of the pair, the standard of the transport.
        selected: chosen.has(pair.id) || pair.selected === true,
      };
      return [pair.id, found];
    }),
  );
}

function wordsFor(candidate: Report | undefined): string {
  if (!candidate) return "unknown";
  const { candidateType, address, port } = candidate;
  return `${String(candidateType ?? "")} ${address ? String(address) : "hidden"}:${String(port ?? "")}`;
}
