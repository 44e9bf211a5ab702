import { describe, expect, it, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import drawing from "../../../tests/contract/peer_drawing.json";
import { diagramLabel } from "../../src/ui/peer/signaling_machine";
import { laneOf, ticksOf } from "../../src/ui/peer/time_line";
import "../../src/ui/styles/peer_index.css";
import { connectedPair, DrivenPeer, newPeer } from "../peer/peers";

const lit = (root: Element, what: string) =>
  [...root.querySelectorAll(`.rtc-${what}[data-lit=true]`)].map(
    (one) => one.getAttribute("data-state") ?? one.getAttribute("data-edge"),
  );
const table = (root: Element, caption: string) => {
  const found = [...root.querySelectorAll("table")].find((one) => one.caption?.textContent === caption);
  return [...(found?.tBodies[0]?.rows ?? [])].map((row) => [...row.cells].map(({ textContent }) => textContent));
};
const step = (root: Element, track: string) => root.querySelector(`[data-track=${track}] .rtc-step-name`)?.textContent;

describe("the picture of a peer connection", () => {
  it.each([
    [100, [0, 20, 40, 60, 80, 100]],
    [1_234, [0, 500, 1_000]],
    [17_593, [0, 5_000, 10_000, 15_000]],
  ])("has round marks on the axis of %i ms", (span, ticks) => {
    expect(ticksOf(span)).toEqual(ticks);
  });

  it.each(drawing.labels)("says what Python's drawing says: $label", ({ state, from, label }) => {
    expect(diagramLabel(state, from === undefined ? undefined : { from, to: state })).toBe(label);
  });

  it.each(drawing.lanes)("has $event of $source in the lane $lane, as Python's has", ({ source, event, lane }) => {
    expect(laneOf({ source, name: event })).toBe(lane);
  });

  it("lights the signaling state and the edge that led to it, and says it in words", async () => {
    const peer = await newPeer();
    const { element } = peer.mount();
    await peer.until(() => expect(lit(element, "node")).toEqual(["stable"]));
    expect(lit(element, "edge")).toEqual([]);
    await peer.call("create_data_channel", { label: "chat", options: {} });
    await peer.call("set_local_description", { description: null });
    await peer.until(() => expect(lit(element, "node")).toEqual(["have-local-offer"]));
    expect(lit(element, "edge")).toEqual(["stable have-local-offer"]);
    expect(element.querySelector(".rtc-machine")?.getAttribute("aria-label")).toBe(
      "Signaling state: have-local-offer, from stable by set_local_description(offer)",
    );
    await peer.call("close");
    await peer.until(() => expect(lit(element, "node")).toEqual(["closed"]));
  });

  it("shows how far gathering, ICE, DTLS and the connection are", async () => {
    const { offerer } = await connectedPair();
    const { element } = offerer.mount();
    await offerer.until(() => expect(step(element, "ice_gathering_state")).toBe("complete"));
    expect(step(element, "ice_connection_state")).toBe("connected");
    expect(step(element, "dtls_state")).toBe("connected");
    expect(step(element, "connection_state")).toBe("connected");
    const dots = element.querySelectorAll("[data-track=connection_state] [data-reached=true]");
    expect(dots).toHaveLength(3);
  });

  it("has names of steps that stand beside their signs, also where text is twice as large", async () => {
    const peer = await newPeer();
    const { element } = peer.mount();
    document.documentElement.style.fontSize = "200%";
    const terms = await vi.waitFor(() => {
      const found = [...element.querySelectorAll("dt")];
      expect(found).toHaveLength(4);
      return found;
    });
    for (const term of terms) {
      const words = document.createRange();
      words.selectNodeContents(term);
      const signs = term.nextElementSibling?.getBoundingClientRect().left;
      expect(words.getBoundingClientRect().right, term.textContent ?? "").toBeLessThanOrEqual(signs ?? 0);
    }
    document.documentElement.style.fontSize = "";
  });

  it("lists candidates, the pairs that were tried, and the channels with their counts", async () => {
    const { offerer, answerer, channel } = await connectedPair();
    const { element } = answerer.mount();
    const other = offerer.mount().element;
    await offerer.call("send", { channel, text: "one" });
    await offerer.call("send", { channel, text: "two" });
    await answerer.call("send", { channel: "channel:1", text: "three" });
    await answerer.until(() => {
      // Without its bytes: Chromium 156 leaves the `bufferedAmount` of a channel that the other side made at 5 in one of 50.
      expect(table(element, "Data channels").map((row) => row.slice(0, 5))).toEqual([["1", "chat", "open", "1", "2"]]);
      expect(table(other, "Data channels")).toEqual([["1", "chat", "open", "2", "1", "0 bytes"]]);
      expect(table(element, "Local candidates")[0]?.[0]).toBe("host");
      expect(table(element, "Remote candidates")[0]?.[0]).toBe("host");
      const results = table(element, "Candidate pairs").map((row) => row[2]);
      expect(results.filter((result) => result === "selected")).toHaveLength(1);
    });
  });

  it("draws each operation as a bar and each event as a dot, failed ones marked, and has them as a table", async () => {
    const peer = await newPeer();
    const { element } = peer.mount();
    await peer.fail("create_answer");
    await peer.call("create_data_channel", { label: "chat", options: {} });
    await peer.until(() => expect(element.querySelectorAll(".rtc-dot-event")).toHaveLength(1));
    const bars = [...element.querySelectorAll(".rtc-bar")].map((bar) => [
      bar.getAttribute("data-op"),
      bar.getAttribute("data-outcome"),
    ]);
    expect(bars).toEqual([
      ["create", "done"],
      ["create_answer", "failed"],
      ["create_data_channel", "done"],
    ]);
    const rows = table(element, "Operations and events by time").map(([, what, detail]) => `${what} ${detail}`);
    expect(rows[1]).toMatch(/^create_answer\(\) InvalidStateError: /);
    expect(rows.at(-1)).toMatch(/^pc negotiationneeded/);
  });

  it("keeps how the connection was made when a flood of messages comes", async () => {
    const { offerer, answerer, channel } = await connectedPair();
    const { element } = answerer.mount();
    const sends = Array.from({ length: 500 }, (_, index) => offerer.call("send", { channel, text: String(index) }));
    await Promise.all(sends);
    await answerer.until(() => expect(table(element, "Data channels")[0]?.[4]).toBe("500"));
    expect(element.querySelectorAll(".rtc-dot-event")).toHaveLength(400);
    expect(element.querySelectorAll(".rtc-dot-event[data-lane=Signaling]").length).toBeGreaterThan(1);
  });

  it("shows the kernel's traits where another page has the connection", async () => {
    const peer = new DrivenPeer();
    const { element } = peer.mount();
    peer.model.setTrait("signaling_state", "have-remote-offer");
    peer.model.setTrait("connection_state", "connecting");
    peer.model.setTrait("dtls_state", "new");
    await peer.until(() => expect(lit(element, "node")).toEqual(["have-remote-offer"]));
    expect(element.textContent).toContain("Another page has, or had, this connection.");
  });

  it("shows by itself why the last operation failed, until one succeeds", async () => {
    const peer = new DrivenPeer();
    const { element } = peer.mount();
    const shown = () => element.querySelector(".rtc-error")?.getAttribute("data-code");
    await peer.fail("create", { configuration: { ice_servers: [{ urls: "http:127.0.0.1" }] } });
    await peer.until(() => expect(shown()).toBe("SyntaxError"));
    await peer.create();
    await peer.until(() => expect(shown()).toBeUndefined());
    const { message } = await peer.fail("create_answer");
    await peer.until(() => expect(shown()).toBe("InvalidStateError"));
    expect(element.querySelector(".rtc-error-message")?.textContent).toBe(message);
  });

  it("shows the kernel's error, with its hint, where the kernel passes errors on", async () => {
    const peer = await newPeer();
    const { element } = peer.mount();
    await peer.fail("create_answer");
    peer.model.setTrait("error", { code: "InvalidStateError", message: "Not yet.", hint: "Make an offer first." });
    await peer.until(() => expect(element.querySelector(".rtc-error-hint")?.textContent).toBe("Make an offer first."));
  });

  it("is reached by the keyboard: each part opens and closes, and tables scroll", async () => {
    const { offerer } = await connectedPair();
    const { element } = offerer.mount();
    const summaries = [...element.querySelectorAll<HTMLElement>(".rtc-part > summary")];
    expect(summaries.map(({ textContent }) => textContent)).toEqual([
      "Time line",
      "Candidates",
      "Candidate pairs",
      "Data channels",
    ]);
    const candidates = summaries[1]?.parentElement as HTMLDetailsElement;
    summaries[1]?.focus();
    await userEvent.keyboard("{Enter}");
    expect(candidates.open).toBe(true);
    await userEvent.keyboard("{Tab}");
    expect(document.activeElement?.classList).toContain("rtc-table-box");
    expect(document.activeElement?.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
  });

  it("offers to be silent while it plays the other side", async () => {
    const { answerer } = await connectedPair((peer) => peer.call("add_track", { media: { kind: "tone" } }));
    const { element } = answerer.mount();
    const button = () => element.querySelector<HTMLButtonElement>("button[data-action=sound]");
    const audio = () => document.querySelector("audio");
    await answerer.until(() => expect(button()?.textContent).toBe("Mute the sound"));
    expect(audio()?.muted).toBe(false);
    button()?.click();
    await answerer.until(() => expect(button()?.textContent).toBe("Play the sound"));
    expect(audio()?.muted).toBe(true);
    await answerer.call("close");
    await answerer.until(() => expect(button()).toBeNull());
    expect(audio()).toBeNull();
  });

  it("plays without sound where the browser wants a click first, so that the statistics move, and offers the click", async () => {
    const play = HTMLMediaElement.prototype.play;
    const refusing = vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(function (this: HTMLMediaElement) {
      if (this.muted) return play.call(this);
      return Promise.reject(new DOMException("play() failed because the user did not interact", "NotAllowedError"));
    });
    const { answerer } = await connectedPair((peer) => peer.call("add_track", { media: { kind: "tone" } }));
    const { element } = answerer.mount();
    const button = () => element.querySelector<HTMLButtonElement>("button[data-action=sound]");
    await answerer.until(() => expect(button()?.textContent).toBe("Play the sound"));
    expect(document.querySelector("audio")).toMatchObject({ muted: true, paused: false });
    refusing.mockRestore();
    button()?.click();
    await answerer.until(() => expect(button()?.textContent).toBe("Mute the sound"));
    expect(document.querySelector("audio")).toMatchObject({ muted: false, paused: false });
  });

  it.each([400, 900])("does not overflow its card at %i pixels", async (width) => {
    await page.viewport(width, 900);
    const { offerer } = await connectedPair();
    const { element } = offerer.mount();
    for (const part of element.querySelectorAll("details")) part.open = true;
    await offerer.until(() => expect(table(element, "Candidate pairs")[0]?.length).toBe(8));
    const card = element.querySelector(".rtc-peer");
    expect(card?.scrollWidth).toBeLessThanOrEqual(card?.clientWidth ?? 0);
  });
});
