import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { shownStateOf } from "../../src/call/shown_state";
import { type CallState, INITIAL_STATE } from "../../src/comm/protocol";

const IDLE: CallState = { ...INITIAL_STATE, status: "idle" };
const CONNECTING: CallState = { ...INITIAL_STATE, status: "connecting" };
const CONNECTED: CallState = { ...INITIAL_STATE, status: "connected" };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the state that is shown", () => {
  it("is the present one, also of a call that exists when the views come", () => {
    const state = signal(CONNECTING);
    const shown = shownStateOf(state, () => false);
    expect(shown.value).toBe(CONNECTING);
    state.value = CONNECTED;
    expect(shown.value).toBe(CONNECTED);
    state.value = IDLE;
    expect(shown.value).toBe(IDLE);
  });

  it("never shows that a call is being made which is made at once", async () => {
    const state = signal(IDLE);
    const shown = shownStateOf(state, () => false);
    const seen: string[] = [];
    shown.subscribe(({ status }) => void seen.push(status));
    state.value = CONNECTING;
    await vi.advanceTimersByTimeAsync(60);
    state.value = { ...CONNECTING, ice_connection_state: "checking" };
    await vi.advanceTimersByTimeAsync(30);
    state.value = CONNECTED;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen).toEqual(["idle", "connected"]);
  });

  it("shows it, with its latest states, when it takes longer, counted from its beginning", async () => {
    const state = signal(IDLE);
    const shown = shownStateOf(state, () => false);
    state.value = CONNECTING;
    await vi.advanceTimersByTimeAsync(60);
    const checking: CallState = { ...CONNECTING, ice_connection_state: "checking" };
    state.value = checking;
    expect(shown.value).toBe(IDLE);
    await vi.advanceTimersByTimeAsync(50);
    expect(shown.value).toBe(checking);
    const checked: CallState = { ...CONNECTING, ice_connection_state: "connected" };
    state.value = checked;
    expect(shown.value).toBe(checked);
  });

  it("shows at once that a call takes another one over", () => {
    const state = signal(IDLE);
    const shown = shownStateOf(state, () => true);
    state.value = CONNECTING;
    expect(shown.value).toBe(CONNECTING);
  });

  it("shows an error at once, and waits again at the next call", async () => {
    const state = signal(IDLE);
    const shown = shownStateOf(state, () => false);
    state.value = CONNECTING;
    const failed: CallState = { ...INITIAL_STATE, status: "error" };
    state.value = failed;
    expect(shown.value).toBe(failed);
    state.value = CONNECTING;
    await vi.advanceTimersByTimeAsync(90);
    expect(shown.value).toBe(failed);
    await vi.advanceTimersByTimeAsync(20);
    expect(shown.value).toBe(CONNECTING);
  });
});
