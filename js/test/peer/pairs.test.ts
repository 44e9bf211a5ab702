import { afterEach, describe, expect, it, vi } from "vitest";
import { type Pair, PairReader, pairsIn } from "../../src/peer/pairs";

type Report = Record<string, unknown>;

const candidate = (id: string, type: string): [string, Report] => [
  id,
  { id, type: "local-candidate", candidateType: type, address: "192.0.2.1", port: 5_000, protocol: "udp" },
];
const pair = (id: string, more: Report = {}): [string, Report] => [
  id,
  {
    id,
    type: "candidate-pair",
    localCandidateId: "L",
    remoteCandidateId: "R",
    priority: 7,
    state: "in-progress",
    requestsSent: 1,
    responsesReceived: 0,
    ...more,
  },
];

/** A connection whose statistics the test writes. */
class ScriptedConnection {
  iceConnectionState: RTCIceConnectionState = "new";
  report: [string, Report][] = [];
  reads = 0;
  readonly getStats = async () => {
    this.reads += 1;
    return new Map([candidate("L", "host"), candidate("R", "prflx"), ...this.report]) as unknown as RTCStatsReport;
  };
}

const lives: AbortController[] = [];
afterEach(() => {
  for (const life of lives.splice(0)) life.abort();
  vi.useRealTimers();
});

function reading() {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const connection = new ScriptedConnection();
  const reported: (readonly Pair[])[] = [];
  const life = new AbortController();
  lives.push(life);
  const reader = new PairReader(
    connection as unknown as RTCPeerConnection,
    (pairs) => reported.push(pairs),
    life.signal,
  );
  const become = (state: RTCIceConnectionState) => {
    connection.iceConnectionState = state;
    reader.follow(state);
  };
  return { connection, reported, become, life };
}

describe("the candidate pairs of a connection", () => {
  it("are read five times a second while ICE checks, and once a second for 20 s afterwards", async () => {
    const { connection, become } = reading();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connection.reads).toBe(0);
    become("checking");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connection.reads).toBe(6);
    become("connected");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.reads).toBe(6 + 21);
  });

  it("are reported when something has changed", async () => {
    const { connection, reported, become } = reading();
    connection.report = [pair("P1")];
    become("checking");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reported).toHaveLength(1);
    connection.report = [pair("P1", { requestsSent: 2 })];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reported.map(([first]) => first?.sent)).toEqual([1, 2]);
  });

  it("stay when the browser has dropped them, as given up", async () => {
    const { connection, reported, become } = reading();
    connection.report = [pair("P1"), pair("P2")];
    become("checking");
    await vi.advanceTimersByTimeAsync(100);
    connection.report = [pair("P2", { state: "succeeded", responsesReceived: 1, currentRoundTripTime: 0.002 })];
    await vi.advanceTimersByTimeAsync(200);
    expect(reported.at(-1)?.map(({ id, state }) => [id, state])).toEqual([
      ["P1", "given up"],
      ["P2", "succeeded"],
    ]);
  });

  it("are not given up, but go on by another name, when the other side tells the candidate that its checks came from", async () => {
    const { connection, reported, become } = reading();
    connection.report = [pair("P1"), ["R", { ...candidate("R", "prflx")[1], address: "", port: 6_000 }]];
    become("checking");
    await vi.advanceTimersByTimeAsync(100);
    const told = candidate("R2", "host")[1];
    connection.report = [pair("P2", { remoteCandidateId: "R2" }), ["R2", { ...told, port: 6_000 }]];
    await vi.advanceTimersByTimeAsync(200);
    expect(reported.map((pairs) => pairs.map(({ id, remote }) => [id, remote.type]))).toEqual([
      [["P1", "prflx"]],
      [["P2", "host"]],
    ]);
  });

  it("are not read any more when the connection is closed", async () => {
    const { connection, become, life } = reading();
    become("checking");
    await vi.advanceTimersByTimeAsync(100);
    life.abort();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connection.reads).toBe(1);
  });

  it("have their ends, and the one in use, from the reports that they name", async () => {
    const connection = new ScriptedConnection();
    connection.report = [pair("P1"), ["T", { id: "T", type: "transport", selectedCandidatePairId: "P1" }]];
    const end = { address: "192.0.2.1", port: 5_000, protocol: "udp" };
    expect(pairsIn(await connection.getStats())).toEqual([
      {
        id: "P1",
        local: { type: "host", ...end },
        remote: { type: "prflx", ...end },
        priority: 7,
        state: "in-progress",
        sent: 1,
        answered: 0,
        rtt: null,
        selected: true,
      },
    ]);
  });
});
