import { describe, expect, it } from "vitest";
import { contentOf, MAX_CONTENT_BYTES } from "../../src/peer/events";
import { PeerRecord } from "../../src/peer/record";

describe("a message of a data channel", () => {
  it("crosses up to the limit", () => {
    expect(contentOf(new ArrayBuffer(MAX_CONTENT_BYTES))).toHaveProperty("base64");
    const text = "a".repeat(MAX_CONTENT_BYTES - 2); // and two quotes
    expect(contentOf(text)).toEqual({ text });
  });

  it.each<[string, ArrayBuffer | string, number]>([
    ["bytes", new ArrayBuffer(MAX_CONTENT_BYTES + 1), MAX_CONTENT_BYTES + 1],
    ["text", "a".repeat(MAX_CONTENT_BYTES + 1), MAX_CONTENT_BYTES + 1],
    ["text of few but long characters", "\u20ac".repeat(2_000_000), 6_000_000],
    ["text that is escaped", "\0".repeat(1_000_000), 1_000_000],
  ])("crosses only as its size where it would break Jupyter's connection: %s", (_, data, bytes) => {
    expect(contentOf(data)).toEqual({ bytes });
  });

  it("says in the time line that it was too large", () => {
    const record = new PeerRecord();
    record.apply([0, "channel:1", "message", { bytes: 5_000_000 }, {}]);
    expect(record.occurrences[0]?.detail).toBe("5000000 bytes, too large to be passed to Python");
  });
});
