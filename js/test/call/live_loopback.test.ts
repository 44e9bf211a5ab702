/** A call of GPT-Live with the browser's own WebRTC; the service is played by a peer in the same page. */

import { expect, it, vi } from "vitest";
import { startLoopback } from "../loopback_server";

const PATIENT = { timeout: 10_000 };

it("sends silence without a microphone, hears the service, silences it, and closes the session first", async () => {
  const { server, kernel } = startLoopback({ protocol: "live", microphone: false });
  await kernel.ask("connect");
  const packets = async () => {
    const reports = [...(await server.connection.getStats()).values()];
    return Number(reports.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio")?.packetsReceived ?? 0);
  };
  await vi.waitFor(async () => expect(await packets()).toBeGreaterThan(20), PATIENT);

  await vi.waitFor(() => expect(kernel.last("sound").is_audible).toBe(true), PATIENT);
  await kernel.ask("silence_output");
  expect(document.querySelector("audio")?.muted).toBe(true);
  expect(kernel.of("sound").map(({ is_audible }) => is_audible)).toEqual([true, false]);

  await kernel.ask("disconnect");
  expect(document.querySelector("audio")?.muted).toBe(false); // for the next call
  await vi.waitFor(() => expect(server.received).toEqual(['{"type":"session.close"}']), PATIENT);
  const before = await packets();
  await vi.waitFor(async () => expect(await packets()).toBeGreaterThan(before + 10), PATIENT);
  expect(kernel.of("hang_up")).toEqual([]);
  server.channel?.send(JSON.stringify({ type: "session.closed", reason: "close_requested", usage: { seconds: 15 } }));
  await vi.waitFor(() => expect(kernel.of("hang_up")).toHaveLength(1), PATIENT);
  await vi.waitFor(() => expect(JSON.stringify(kernel.of("events"))).toContain("session.closed"), PATIENT);
});
