import { describe, expect, it, vi } from "vitest";
import contract from "../../../../tests/contract/protocol.json";
import "../../../src/ui/styles/index.css";
import { openPanel } from "../../../demo/show_state";
import { startCall, startWidget } from "../../fakes";

const PAIR = [
  [
    "L1",
    { id: "L1", type: "local-candidate", candidateType: "host", address: "192.0.2.7", port: 5000, protocol: "udp" },
  ],
  ["R1", { id: "R1", type: "remote-candidate", candidateType: "prflx", address: "198.51.100.4", port: 3478 }],
  [
    "P1",
    {
      id: "P1",
      type: "candidate-pair",
      localCandidateId: "L1",
      remoteCandidateId: "R1",
      state: "succeeded",
      nominated: true,
      selected: true,
      requestsSent: 3,
      responsesReceived: 2,
      currentRoundTripTime: 0.042,
    },
  ],
] as const;

async function openTab(mount: () => { element: HTMLElement }) {
  const { element } = mount();
  await openPanel(element, "connection");
  const texts = (selector: string) => [...element.querySelectorAll(selector)].map(({ textContent }) => textContent);
  const click = (selector: string) => element.querySelector<HTMLElement>(selector)?.click();
  return { element, texts, click };
}

describe("the connection tab", () => {
  it("marks the state among the six, and follows it", async () => {
    const { peer, mount } = await startCall();
    const { texts } = await openTab(mount);
    expect(texts(".rtc-connection-states > li")).toEqual([
      "new",
      "connecting",
      "connected",
      "disconnected",
      "failed",
      "closed",
    ]);
    expect(texts(".rtc-connection-states > [aria-current]")).toEqual(["connected"]);
    expect(texts(".rtc-states").join()).toContain("Data channelopen");
    peer().become("disconnected");
    await vi.waitFor(() => expect(texts(".rtc-connection-states > [aria-current]")).toEqual(["disconnected"]));
  });

  it("shows the steps of the call, those that were not reached as such", async () => {
    const { kernel, mount } = startWidget();
    kernel.answers.exchange = { error: { code: "http_error", message: "The server said no.", hint: "Try later." } };
    await vi.waitFor(() => kernel.last("state"));
    await kernel.ask("connect");
    const { element, texts } = await openTab(mount);
    await vi.waitFor(() => expect(texts("[data-outcome='not reached']").length).toBeGreaterThan(1));
    expect(texts("[data-outcome=failed]")).toHaveLength(1);
    expect(texts("[data-outcome=failed] [role=img]")).toEqual(["✗"]);
    expect(element.querySelector("[data-outcome=failed] [role=img]")?.getAttribute("aria-label")).toBe("failed");
    expect(texts(".rtc-tab-note").join()).toContain("The server said no. Try later.");
  });

  it("shows the candidate pair in use, its addresses only when asked to", async () => {
    const { peer, mount } = await startCall();
    peer().pairs = PAIR;
    const { element, texts, click } = await openTab(mount);
    await vi.waitFor(() => expect(texts("dd")).toContain("2 of 3 answered, succeeded"));
    expect(texts("dd")).toEqual(expect.arrayContaining(["host", "prflx", "udp"]));
    expect(element.textContent).not.toContain("192.0.2.7");
    click("[data-action=show-private]");
    await vi.waitFor(() => expect(texts("dd")).toContain("host 192.0.2.7:5000"));
    click("[data-action=show-private]");
    await vi.waitFor(() => expect(element.textContent).not.toContain("192.0.2.7"));
  });

  it("shows the offer and the answer line by line as the kernel explains them, what is private hidden", async () => {
    const { kernel, mount } = await startCall();
    const { element, texts, click } = await openTab(mount);
    expect(kernel.of("explain_sdp")).toEqual([]);
    expect(texts(".rtc-sdp > summary")).toEqual(["Offer", "Answer"]);
    click(".rtc-sdp > summary");
    await vi.waitFor(() => expect(kernel.of("explain_sdp")).toHaveLength(1));
    const asked = kernel.last("explain_sdp");
    expect(asked.sdp).toContain("v=0\r\noffer");
    kernel.reply(asked, { result: contract.from_page.explain_sdp.reply });
    await vi.waitFor(() => expect(texts(".rtc-sdp-lines code")).toEqual(["a=mid:0", "c=IN IP4 •••"]));
    expect(texts(".rtc-sdp-lines p")[0]).toContain("The name of the section");
    expect(texts(".rtc-sdp-refs")[0]).toBe("RFC 5888 §4");
    const copied = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    click("[data-action=copy-sdp]");
    expect(copied.mock.calls).toEqual([["a=mid:0\r\nc=IN IP4 •••\r\n"]]);
    click("[data-action=show-private]");
    await vi.waitFor(() => expect(texts(".rtc-sdp-lines code")[1]).toBe("c=IN IP4 192.0.2.1"));
    expect(element.querySelector("mark")?.title).toBe("address");
  });

  it("shows the text alone, and only when asked to, where the kernel cannot explain it", async () => {
    const { kernel, mount } = await startCall();
    const { element, texts, click } = await openTab(mount);
    click(".rtc-sdp > summary");
    await vi.waitFor(() => kernel.last("explain_sdp"));
    const error = { code: "unexpected", message: "It broke.", hint: "Report it." };
    kernel.reply(kernel.last("explain_sdp"), { error });
    await vi.waitFor(() => expect(texts(".rtc-tab-note").join()).toContain("It broke. Report it."));
    expect(element.textContent).not.toContain("a=candidate");
    click("[data-action=show-private]");
    await vi.waitFor(() => expect(element.querySelector(".rtc-sdp-text")?.textContent).toContain("a=candidate"));
  });

  it("asks the kernel again when told to", async () => {
    const { kernel, mount } = await startCall();
    const { texts, click } = await openTab(mount);
    click(".rtc-sdp > summary");
    await vi.waitFor(() => kernel.last("explain_sdp"));
    const error = { code: "unexpected", message: "It broke.", hint: "Report it." };
    kernel.reply(kernel.last("explain_sdp"), { error });
    await vi.waitFor(() => expect(texts("[data-action=explain-sdp]")).toEqual(["Ask again"]));
    click("[data-action=explain-sdp]");
    await vi.waitFor(() => expect(kernel.of("explain_sdp")).toHaveLength(2));
    kernel.reply(kernel.last("explain_sdp"), { result: contract.from_page.explain_sdp.reply });
    await vi.waitFor(() => expect(texts(".rtc-sdp-lines code")).toHaveLength(2));
    expect(texts("[data-action=explain-sdp]")).toEqual([]);
  });

  it("asks for no measurement while it is closed", async () => {
    const { peer, mount } = await startCall();
    const measured = vi.spyOn(peer(), "getStats");
    const { element, click } = await openTab(mount);
    await vi.waitFor(() => expect(measured).toHaveBeenCalled());
    click(".rtc-panel > summary");
    await vi.waitFor(() => expect(element.querySelector("[role=tabpanel]")).toBeNull());
    measured.mockClear();
    peer().become("disconnected");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(measured).not.toHaveBeenCalled();
  });
});
