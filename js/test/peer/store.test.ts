import { describe, expect, it } from "vitest";
import cases from "../../../tests/contract/peer_dtls_state.json";
import type { Changes } from "../../src/peer/messages";
import { PeerRecord } from "../../src/peer/record";
import { dtlsState } from "../../src/peer/store";

describe("the DTLS state in use", () => {
  it.each(cases)("is as in Python: $name", ({ objects, state }) => {
    const record = new PeerRecord();
    record.apply([0, "pc", "signalingstatechange", null, objects as unknown as Changes]);
    expect(dtlsState(record)).toBe(state);
  });
});
