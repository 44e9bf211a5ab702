import { describe, expect, it, vi } from "vitest";
import { toBase64 } from "../../src/comm/pcm";
import { startCall, startWidget } from "../fakes";

type Steps = {
  steps: { name: string; outcome: string; detail: string }[];
  cause: string;
  hint: string;
  pairs: object[];
};
const outcomes = ({ steps }: Steps) => Object.fromEntries(steps.map(({ name, outcome }) => [name, outcome]));

describe("the diagnosis", () => {
  it("finds nothing wrong with a call that stands", async () => {
    const { kernel, peer } = await startCall();
    peer().iceConnectionState = "completed";
    peer().dispatchEvent(new Event("iceconnectionstatechange"));
    peer().localDescription = { type: "offer", sdp: "v=0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" };
    const found = (await kernel.ask("diagnose")).result as Steps;
    expect(new Set(Object.values(outcomes(found)))).toEqual(new Set(["ok"]));
    expect(found.cause).toBe("");
  });

  it("asks a call that only listens for no microphone", async () => {
    const { kernel, peer } = await startCall({ microphone: false });
    peer().iceConnectionState = "completed";
    peer().dispatchEvent(new Event("iceconnectionstatechange"));
    vi.spyOn(navigator.mediaDevices, "enumerateDevices").mockResolvedValue([]);
    const found = (await kernel.ask("diagnose")).result as Steps;
    expect(new Set(Object.values(outcomes(found)))).toEqual(new Set(["ok"]));
    expect(found.steps.find(({ name }) => name === "Microphones")?.detail).toBe("0 found; not needed");
    expect(found.cause).toBe("");
  });

  it("takes a clip in the microphone's place for no microphone that is waited for", async () => {
    const started = startWidget({
      setUp: (model) => Object.assign(model.traits, { settings: { microphone: { clip: "c1" } } }),
    });
    started.kernel.clips.c1 = { rate: 24_000, parts: [toBase64(new Int16Array(240))] };
    const connecting = started.kernel.ask("connect");
    await vi.waitFor(() => expect(started.peer().remoteDescription).not.toBeNull());
    started.peer().open();
    await connecting;
    const found = (await started.kernel.ask("diagnose")).result as Steps;
    expect(outcomes(found)).toMatchObject({ "Microphone opened": "ok", "Data channel opened": "ok" });
  });

  it("says that ICE found no way, after everything before it went well", async () => {
    const { kernel, peer } = startWidget();
    const reply = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription).not.toBeNull());
    peer().localDescription = { type: "offer", sdp: "v=0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" };
    peer().pairs = [
      ["L", { id: "L", type: "local-candidate", candidateType: "host", protocol: "udp", address: "10.0.0.1", port: 9 }],
      ["R", { id: "R", type: "remote-candidate", candidateType: "relay", address: "10.9.9.9", port: 3478 }],
      [
        "P",
        {
          id: "P",
          type: "candidate-pair",
          localCandidateId: "L",
          remoteCandidateId: "R",
          state: "in-progress",
          requestsSent: 7,
          responsesReceived: 0,
        },
      ],
    ];
    peer().become("failed");
    await reply;
    const found = (await kernel.ask("diagnose")).result as Steps;
    expect(outcomes(found)).toMatchObject({
      "ICE candidates gathered": "ok",
      "Offer and answer exchanged": "ok",
      "ICE connected": "failed",
      "Data channel opened": "not reached",
    });
    expect(found.steps.find(({ name }) => name === "ICE connected")?.detail).toContain("1 host here, none there");
    expect(found.pairs).toEqual([
      {
        local: "host 10.0.0.1:9",
        remote: "relay 10.9.9.9:3478",
        protocol: "udp",
        state: "in-progress",
        sent: 7,
        answered: 0,
        selected: false,
      },
    ]);
    expect(found.hint).toContain("UDP");
  });

  it("is shown in the widget when a call fails", async () => {
    const { kernel, microphone, mount } = startWidget();
    const { element } = mount();
    microphone.isPrompting = true;
    const reply = kernel.ask("connect");
    await vi.waitFor(() => microphone.refuse("NotFoundError"));
    await reply;
    const details = await vi.waitFor(() => {
      const found = element.querySelector<HTMLDetailsElement>(".rtc-diagnosis");
      if (!found) throw new Error("There is no diagnosis");
      return found;
    });
    details.open = true;
    await vi.waitFor(() =>
      expect(element.querySelector("li[data-outcome=failed]:last-of-type, li[data-outcome=failed]")).not.toBeNull(),
    );
    const failed = [...element.querySelectorAll("li[data-outcome=failed]")].map(({ textContent }) => textContent);
    expect(failed.join()).toContain("Microphone opened");
  });
});
