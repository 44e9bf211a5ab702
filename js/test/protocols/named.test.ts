import { describe, expect, it, vi } from "vitest";
import { protocolNamed } from "../../src/protocols/named";
import { REALTIME } from "../../src/protocols/realtime/protocol";
import { startCall, startWidget } from "../fakes";

describe("the wire protocol of a call", () => {
  it("is found by its name", () => {
    expect(protocolNamed("realtime")).toBe(REALTIME);
  });

  it("is the Realtime API where the kernel names it, or names none", async () => {
    for (const settings of [{ protocol: "realtime" }, {}, { protocol: 7 }]) {
      const { kernel } = await startCall(settings);
      expect(kernel.statuses.at(-1)).toBe("connected");
    }
  });

  it("must be one that the page knows: else no call is made, and no microphone is opened", async () => {
    const { kernel, microphone } = startWidget({
      setUp: (model) => Object.assign(model.traits, { settings: { protocol: "telepathy" } }),
    });
    await vi.waitFor(() => kernel.last("state"));
    const { error } = await kernel.ask("connect");
    const message = 'The wire protocol must be one that this page knows (realtime, live), got "telepathy".';
    expect(error).toMatchObject({ code: "protocol_mismatch", message });
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "protocol_mismatch" } });
    expect(kernel.of("prepare")).toEqual([]);
    expect(microphone.tracks).toEqual([]);
  });
});
