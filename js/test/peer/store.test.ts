import { describe, expect, it } from "vitest";
import cases from "../../../tests/contract/peer_dtls_state.json";
import type { Changes } from "../../src/peer/messages";
import { PeerRecord } from "../../src/peer/record";
import { dtlsState } from "../../src/peer/store";

describe("what the view shows", () => {
  it("keeps how the connection was made when a flood of messages is sent", () => {
    const record = new PeerRecord();
    const call = (number: number, op: string) =>
      record.apply([number, "pc", "operation", { call: number, op, phase: "called" }, {}]);
    call(0, "create_offer");
    record.apply([0, "pc", "negotiationneeded", null, {}]);
    for (let number = 1; number <= 1000; number++) {
      call(number, "send");
      record.apply([number, "channel:1", "bufferedamountlow", null, {}]);
    }
    expect(record.calls.map(({ op }) => op)).toEqual(["create_offer", ...Array(399).fill("send")]);
    expect(record.occurrences).toHaveLength(400);
    expect(record.occurrences[0]).toMatchObject({ name: "negotiationneeded" });
  });
});

describe("the DTLS state in use", () => {
  it.each(cases)("is as in Python: $name", ({ objects, state }) => {
    const record = new PeerRecord();
    record.apply([0, "pc", "signalingstatechange", null, objects as unknown as Changes]);
    expect(dtlsState(record)).toBe(state);
  });
});
