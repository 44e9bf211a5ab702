import { describe, expect, it } from "vitest";
import contract from "../../../tests/contract/call_machine.json";
import {
  type CallEvent,
  type Capabilities,
  hasAttempt,
  nextPhase,
  type Phase,
  statusOf,
  TRANSITIONS,
} from "../../src/call/call_machine";
import { pageError, RtcWidgetError } from "../../src/errors";
import { DEFAULT_SETTINGS, pauseBeforeAttempt, type Reconnect } from "../../src/settings";

/** Both halves share the cases; `tests/contract/test_call_machine.py` asserts them for the headless page. */
interface Case {
  readonly phase: string;
  readonly tries?: number;
  readonly event: string;
  readonly phase_error?: string;
  readonly event_error?: string;
  readonly max_attempts: number | null;
  readonly can_restart: boolean;
  readonly next: { readonly phase: string; readonly tries?: number; readonly error?: string };
}

const CASES: readonly Case[] = contract.cases;
const PHASES = Object.keys(contract.phases) as Phase["is"][];
const EVENTS = contract.events as CallEvent["type"][];
const error = pageError("connection_failed");
const RECONNECT: Reconnect = {
  maxAttempts: 2,
  graceMs: 5_000,
  backoffMs: 500,
  maxBackoffMs: 8_000,
  attemptTimeoutMs: 15_000,
};
const CAPABILITIES: Capabilities = { reconnect: RECONNECT, canRestart: false };

const errorOf = (code?: string) => (code ? new RtcWidgetError({ code, message: "It is over.", hint: "" }) : error);
const phaseOf = (is: string, tries = 1, code?: string) => ({ is, tries, error: errorOf(code) }) as Phase;
const eventOf = (type: string, code?: string) => ({ type, error: errorOf(code) }) as CallEvent;
const eventsOf = (phase: string) => new Set(CASES.filter((one) => one.phase === phase).map(({ event }) => event));

describe("the machine of a call", () => {
  it.each(CASES)(
    "goes from $phase $phase_error on $event $event_error to $next.phase (tries $tries of $max_attempts, restart $can_restart)",
    (one) => {
      const { max_attempts: maxAttempts, can_restart: canRestart } = one;
      const reconnect = maxAttempts === null ? null : { ...RECONNECT, maxAttempts };
      const before = phaseOf(one.phase, one.tries, one.phase_error);
      const after = nextPhase(before, eventOf(one.event, one.event_error), { reconnect, canRestart });
      expect(after).toMatchObject({
        is: one.next.phase,
        ...(one.next.tries === undefined ? {} : { tries: one.next.tries }),
        ...(one.next.error === undefined ? {} : { error: { code: one.next.error } }),
      });
    },
  );

  it.each(PHASES)("stays %s on every other event", (phase) => {
    const before = phaseOf(phase);
    for (const event of EVENTS.filter((name) => !eventsOf(phase).has(name))) {
      expect(nextPhase(before, eventOf(event), CAPABILITIES), event).toBe(before);
    }
  });

  it("has these phases and transitions, and no others", () => {
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...PHASES].sort());
    for (const phase of PHASES) expect(Object.keys(TRANSITIONS[phase]).sort()).toEqual([...eventsOf(phase)].sort());
  });

  it.each(Object.entries(contract.phases))(
    "is %s with the status that Python knows",
    (name, { status, has_attempt }) => {
      expect(statusOf(phaseOf(name))).toBe(status);
      expect(hasAttempt(phaseOf(name))).toBe(has_attempt);
    },
  );

  it("says how many attempts have failed, and why the last one did", () => {
    const after = nextPhase(phaseOf("retrying", 2), eventOf("lost"), CAPABILITIES);
    expect(after).toMatchObject({ is: "failed", error: { code: "reconnect_failed" } });
    expect(after.is === "failed" && after.error.message).toContain("2 attempts");
    expect(after.is === "failed" && after.error.message).toContain(error.message);
  });

  it("counts the attempts through a connection that was made, until it was healthy", () => {
    let phase = nextPhase(phaseOf("connected"), eventOf("lost"), CAPABILITIES);
    expect(phase).toMatchObject({ is: "backoff", tries: 2 });
    phase = nextPhase(nextPhase(phase, eventOf("backoff_over"), CAPABILITIES), eventOf("opened"), CAPABILITIES);
    expect(phase).toEqual({ is: "connected", tries: 2 });
    expect(nextPhase(phase, eventOf("healthy"), CAPABILITIES)).toEqual({ is: "connected", tries: 0 });
  });
});

describe("the pause before an attempt", () => {
  it("doubles, has a limit, and leaves half of it to chance", () => {
    const most = [1, 2, 3, 4, 5, 6].map((attempt) => pauseBeforeAttempt(attempt, RECONNECT, () => 1));
    expect(most).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    expect(pauseBeforeAttempt(3, RECONNECT, () => 0)).toBe(1_000);
    expect(DEFAULT_SETTINGS.reconnect).toMatchObject({ maxAttempts: 3, graceMs: 5_000 });
  });
});
