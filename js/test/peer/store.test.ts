import { describe, expect, it } from "vitest";
import type { Changes } from "../../src/peer/messages";
import { PeerRecord } from "../../src/peer/record";
import { dtlsState } from "../../src/peer/store";

const TRANSPORTS = { "dtls:1": { state: "closed" }, "dtls:2": { state: "connected" } };

describe("the DTLS state in use", () => {
  it.each<[string, string, Changes]>([
    [
      "is that of the data channels, also where a transceiver has another transport",
      "connected",
      {
        pc: { sctp: "sctp:1", senders: ["sender:1"], transceivers: ["transceiver:1"] },
        "sctp:1": { transport: "dtls:2" },
        "transceiver:1": { sender: "sender:1" },
        "sender:1": { transport: "dtls:1" },
      },
    ],
    [
      "is that of the first sender with a transport, where there are no data channels",
      "connected",
      {
        pc: { sctp: null, senders: ["sender:1", "sender:2", "sender:3"], transceivers: ["transceiver:2"] },
        "sender:1": { transport: null },
        "sender:2": { transport: "dtls:2" },
        "sender:3": { transport: "dtls:1" },
        "transceiver:2": { sender: "sender:3" },
      },
    ],
    ["is new before there is a transport", "new", { pc: { sctp: null, senders: [] } }],
    ["is closed with a connection that never had one", "closed", { pc: { signaling_state: "closed", senders: [] } }],
  ])("%s", (_, state, objects) => {
    const record = new PeerRecord();
    record.apply([0, "pc", "signalingstatechange", null, { ...TRANSPORTS, ...objects }]);
    expect(dtlsState(record)).toBe(state);
  });
});
