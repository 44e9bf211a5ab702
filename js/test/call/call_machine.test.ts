import { describe, expect, it } from "vitest";
import {
  type CallEvent,
  type Capabilities,
  hasAttempt,
  next,
  type Phase,
  statusOf,
  TRANSITIONS,
} from "../../src/call/call_machine";
import { pageError } from "../../src/errors";
import { DEFAULT_SETTINGS, pauseBefore, type Reconnect } from "../../src/settings";

const error = pageError("connection_failed");
const RECONNECT: Reconnect = {
  maxAttempts: 2,
  graceMs: 5_000,
  backoffMs: 500,
  maxBackoffMs: 8_000,
  attemptTimeoutMs: 15_000,
};
const MEANS: Capabilities = { reconnect: RECONNECT, canRestart: false };
const PHASES: Record<Phase["is"], Phase> = {
  idle: { is: "idle" },
  connecting: { is: "connecting" },
  connected: { is: "connected", tries: 1 },
  unsteady: { is: "unsteady", tries: 1 },
  restarting: { is: "restarting", tries: 1, error },
  pausing: { is: "pausing", tries: 1, error },
  retrying: { is: "retrying", tries: 1, error },
  failed: { is: "failed", error },
};
const HAPPENINGS: Record<CallEvent["type"], CallEvent> = {
  connect: { type: "connect" },
  disconnect: { type: "disconnect" },
  opened: { type: "opened" },
  wavered: { type: "wavered" },
  healed: { type: "healed" },
  grace_over: { type: "grace_over" },
  pause_over: { type: "pause_over" },
  healthy: { type: "healthy" },
  lost: { type: "lost", error },
  ended: { type: "ended", error },
};
/** Every transition there is; what stands here not must change nothing. */
const EXPECTED: Record<Phase["is"], Partial<Record<CallEvent["type"], Phase["is"]>>> = {
  idle: { connect: "connecting", ended: "failed" },
  connecting: { opened: "connected", disconnect: "idle", lost: "failed", ended: "failed" },
  connected: { wavered: "unsteady", healthy: "connected", disconnect: "idle", lost: "pausing", ended: "failed" },
  unsteady: { healed: "connected", grace_over: "pausing", disconnect: "idle", lost: "pausing", ended: "failed" },
  restarting: { healed: "connected", disconnect: "idle", lost: "pausing", ended: "failed" },
  pausing: { connect: "retrying", pause_over: "retrying", disconnect: "idle", ended: "failed" },
  retrying: { opened: "connected", disconnect: "idle", lost: "pausing", ended: "failed" },
  failed: { connect: "connecting", disconnect: "idle", ended: "failed" },
};
const ALL = (Object.keys(PHASES) as Phase["is"][]).flatMap((phase) =>
  (Object.keys(HAPPENINGS) as CallEvent["type"][]).map((happening) => [phase, happening] as const),
);

describe("the machine of a call", () => {
  it.each(ALL)("goes from %s on %s where the table says, and nowhere else", (phase, happening) => {
    const before = PHASES[phase];
    const after = next(before, HAPPENINGS[happening], MEANS);
    const expected = EXPECTED[phase][happening];
    if (expected === undefined) expect(after).toBe(before);
    else expect(after.is).toBe(expected);
  });

  it("has no transition beside the expected ones", () => {
    for (const phase of Object.keys(PHASES) as Phase["is"][]) {
      expect(Object.keys(TRANSITIONS[phase]).sort()).toEqual(Object.keys(EXPECTED[phase]).sort());
    }
  });

  it.each(["connected", "unsteady", "restarting", "retrying"] as const)(
    "gives up from %s when the attempts are used up",
    (phase) => {
      const tired = { ...PHASES[phase], tries: 2 } as Phase;
      const after = next(tired, HAPPENINGS.lost, { ...MEANS, canRestart: true });
      expect(after).toMatchObject({ is: "failed", error: { code: "reconnect_failed" } });
      expect(after.is === "failed" && after.error.message).toContain("2 attempts");
    },
  );

  it("does not call again where that is switched off, and keeps the first error", () => {
    expect(next({ is: "connected", tries: 0 }, HAPPENINGS.lost, { reconnect: null, canRestart: true })).toEqual({
      is: "failed",
      error,
    });
  });

  it.each([
    ["connected", "lost"],
    ["unsteady", "lost"],
    ["unsteady", "grace_over"],
  ] as const)("seeks a new way for the same call, once, from %s on %s where the server helps", (phase, happening) => {
    const means = { ...MEANS, canRestart: true };
    const restarting = next(PHASES[phase], HAPPENINGS[happening], means);
    expect(restarting).toMatchObject({ is: "restarting", tries: 2 });
    expect(next(restarting, HAPPENINGS.healed, means)).toEqual({ is: "connected", tries: 2 });
    const first = { ...restarting, tries: 1 } as Phase;
    expect(next(first, HAPPENINGS.lost, means)).toMatchObject({ is: "pausing", tries: 2 });
  });

  it("counts the attempts through a connection that was made, until it was healthy", () => {
    let phase = next(PHASES.connected, HAPPENINGS.lost, MEANS);
    expect(phase).toMatchObject({ is: "pausing", tries: 2 });
    phase = next(next(phase, HAPPENINGS.pause_over, MEANS), HAPPENINGS.opened, MEANS);
    expect(phase).toEqual({ is: "connected", tries: 2 });
    expect(next(phase, HAPPENINGS.healthy, MEANS)).toEqual({ is: "connected", tries: 0 });
  });

  it("is in every phase as Python sees it", () => {
    const statuses = Object.fromEntries(Object.entries(PHASES).map(([name, phase]) => [name, statusOf(phase)]));
    expect(statuses).toEqual({
      idle: "idle",
      connecting: "connecting",
      connected: "connected",
      unsteady: "reconnecting",
      restarting: "reconnecting",
      pausing: "reconnecting",
      retrying: "reconnecting",
      failed: "error",
    });
    const open = Object.values(PHASES).filter(hasAttempt);
    expect(open.map(({ is }) => is)).toEqual(["connecting", "connected", "unsteady", "restarting", "retrying"]);
  });
});

describe("the pause before an attempt", () => {
  it("doubles, has a limit, and leaves half of it to chance", () => {
    const most = [1, 2, 3, 4, 5, 6].map((attempt) => pauseBefore(attempt, RECONNECT, () => 1));
    expect(most).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    expect(pauseBefore(3, RECONNECT, () => 0)).toBe(1_000);
    expect(DEFAULT_SETTINGS.reconnect).toMatchObject({ maxAttempts: 3, graceMs: 5_000 });
  });
});
