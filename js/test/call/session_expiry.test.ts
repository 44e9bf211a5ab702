import { afterEach, describe, expect, it, vi } from "vitest";
import contract from "../../../tests/contract/session_expiry.json";
import { SessionExpiry } from "../../src/call/session_expiry";
import type { JsonObject } from "../../src/json";
import { REALTIME } from "../../src/protocols/realtime/protocol";

/** Both halves share the cases; `tests/contract/test_session_expiry.py` asserts them for the headless page. */
interface Case {
  readonly name: string;
  readonly expires_in: number | string | null;
  readonly events: readonly (readonly [number, JsonObject])[];
  readonly due: number | null;
}

const CASES = contract.cases as unknown as readonly Case[];
const BEGAN_MS = contract.began_at * 1_000;

function expiresAt(expiresIn: Case["expires_in"]): unknown {
  if (typeof expiresIn === "number") return contract.began_at + expiresIn;
  return expiresIn === "zero" ? 0 : expiresIn;
}

describe("a session that will expire", () => {
  afterEach(() => vi.useRealTimers());

  it.each(CASES)("is replaced in time: $name", ({ expires_in, events, due }) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: BEGAN_MS });
    const found: number[] = [];
    const expiry = new SessionExpiry(() => found.push((Date.now() - BEGAN_MS) / 1_000));
    const created = { type: "session.created", session: { expires_at: expiresAt(expires_in) } };
    for (const [at, event] of [[0, created] as const, ...events]) {
      vi.advanceTimersByTime(BEGAN_MS + at * 1_000 - Date.now());
      if (found.length > 0) break; // the call is over
      for (const fact of REALTIME.factsOf(event)) expiry.apply(fact);
    }
    vi.advanceTimersByTime(10_000_000);
    expect(found).toEqual(due === null ? [] : [due]);
  });

  it("is left alone once the call is over", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: BEGAN_MS });
    const onDue = vi.fn();
    const expiry = new SessionExpiry(onDue);
    expiry.apply({ type: "session_expiry", atMs: BEGAN_MS + 3_600_000 });
    expiry.end();
    vi.advanceTimersByTime(10_000_000);
    expect(onDue).not.toHaveBeenCalled();
  });
});
