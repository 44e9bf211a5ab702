import { describe, expect, it } from "vitest";
import { HeardUntil } from "../../src/call/heard_until";
import { INITIAL_STATE } from "../../src/comm/protocol";
import { now } from "../../src/page";

const FRESH = INITIAL_STATE;
const CONNECTED = { ...FRESH, connection_state: "connected", data_channel_state: "open" } as const;
const DISCONNECTED = { ...CONNECTED, connection_state: "disconnected" } as const;
const CLOSED = { ...FRESH, connection_state: "closed", data_channel_state: "closed" } as const;

function after(lastAudioMs: number | undefined, ...states: readonly (typeof FRESH)[]): HeardUntil {
  const heard = new HeardUntil(() => lastAudioMs);
  states.forEach((state, index) => {
    heard.onState(state, states[index - 1] ?? FRESH);
  });
  return heard;
}

describe("until when a call was heard", () => {
  it("is unknown before its end, even while its connection is lost", () => {
    expect(after(5_000, CONNECTED).untilMs).toBeUndefined();
    expect(after(5_000, CONNECTED, DISCONNECTED).untilMs).toBeUndefined();
  });

  it("is the last sound before the connection was lost", () => {
    expect(after(5_000, CONNECTED, DISCONNECTED, CLOSED).untilMs).toBe(5_000);
  });

  it("is the loss itself where the browser does not report the last sound", () => {
    const before = now();
    expect(after(undefined, CONNECTED, DISCONNECTED, CLOSED).untilMs).toBeGreaterThanOrEqual(before);
  });

  it("is the end of a call whose connection was lost only for a moment", () => {
    const before = now();
    const channelClosed = { ...CONNECTED, data_channel_state: "closed" } as const;
    const heard = after(5_000, CONNECTED, DISCONNECTED, CONNECTED, channelClosed);
    expect(heard.untilMs).toBeGreaterThanOrEqual(before);
  });

  it("stays known until the next call begins", () => {
    const muted = { ...CLOSED, muted: true };
    expect(after(5_000, CONNECTED, DISCONNECTED, CLOSED, muted).untilMs).toBe(5_000);
    expect(after(5_000, CONNECTED, DISCONNECTED, CLOSED, FRESH).untilMs).toBeUndefined();
  });
});
