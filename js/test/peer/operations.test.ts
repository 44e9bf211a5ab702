import { describe, expect, it } from "vitest";
import contract from "../../../tests/contract/peer.json";
import { ERROR_NAMES, operationError } from "../../src/peer/errors";
import { EVENT_NAMES } from "../../src/peer/events";
import { decodePeerMessage } from "../../src/peer/messages";
import { OPERATIONS } from "../../src/peer/operations";
import { INITIAL_STATES } from "../../src/peer/store";
import { connectedPair, type DrivenPeer, type Json, negotiate, newPeer, trickle } from "./peers";

const UNREACHABLE = {
  candidate: "candidate:1 1 udp 2122260223 192.0.2.99 50000 typ host",
  sdpMid: "0",
  sdpMLineIndex: 0,
};

async function withChannel(): Promise<DrivenPeer> {
  const peer = await newPeer();
  await peer.call("create_data_channel", { label: "chat", options: {} });
  return peer;
}

describe("the contract", () => {
  it("has the same operations", () => {
    expect(["create", ...Object.keys(OPERATIONS)].sort()).toEqual(Object.keys(contract.operations).sort());
  });

  it("has the same events, by the kinds of their sources", () => {
    const listed = Object.entries(contract.events).map(([name, { source }]) => [name, source.split(":")[0]]);
    const own = [...Object.values(EVENT_NAMES).flat(), "operation", "pairs"];
    expect(new Set(own)).toEqual(new Set(listed.map(([name]) => name)));
    for (const [name = "", kind] of listed) {
      if (name === "operation" || name === "pairs") continue;
      expect(EVENT_NAMES[kind as keyof typeof EVENT_NAMES], name).toContain(name);
    }
  });

  it("has the same names of errors, and the same states at first", () => {
    expect([...ERROR_NAMES].sort()).toEqual([...contract.error_names].sort());
    const first = Object.fromEntries(Object.entries(contract.states).map(([name, state]) => [name, state.default]));
    expect(first).toEqual(INITIAL_STATES);
  });

  it("has the messages that the page decodes, and nothing incomplete is decoded", () => {
    const { page: _, ...request } = contract.to_page.peer;
    const { page: __, ...cancel } = contract.to_page.cancel;
    expect(decodePeerMessage(contract.to_page.peer)).toEqual(request);
    expect(decodePeerMessage(contract.to_page.cancel)).toEqual(cancel);
    expect(decodePeerMessage({ type: "cancel" })).toBeUndefined();
    for (const name of ["id", "op", "args"])
      expect(decodePeerMessage({ ...request, [name]: undefined })).toBeUndefined();
  });

  it("has the attributes of all objects, the message of the events and the form of replies", async () => {
    const { offerer, channel } = await connectedPair((peer) => peer.call("add_track", { media: { kind: "silence" } }));
    for (const [handle, attributes] of Object.entries(offerer.objects)) {
      const kind = handle.split(":")[0] as keyof typeof contract.objects;
      expect(Object.keys(attributes), handle).toEqual(contract.objects[kind]);
    }
    const kinds = Object.keys(offerer.objects).map((handle) => handle.split(":")[0]);
    expect(new Set(kinds)).toEqual(new Set(Object.keys(contract.objects)));
    const sample = contract.from_page.peer_events;
    for (const message of offerer.kernel.of("peer_events"))
      expect(Object.keys(message).sort()).toEqual(Object.keys(sample).sort());
    const reply = await offerer.ask("send", { channel: "channel:7", text: "lost" });
    expect(Object.keys(reply).sort()).toEqual(Object.keys(contract.from_page.reply_error).sort());
    expect(channel).toBe("channel:1");
  });

  it("has the results of the operations", async () => {
    const { offerer, answerer, channel } = await connectedPair((peer) =>
      peer.call("add_track", { media: { kind: "silence" } }),
    );
    const sender = "sender:1";
    const transceiver = "transceiver:1";
    const { parameters } = await offerer.call("get_parameters", { sender });
    const capabilities = (await offerer.call("get_capabilities", { side: "sender", kind: "audio" }))
      .capabilities as Json;
    const offer = offerer.pc.local_description as Json;
    const steps: [DrivenPeer, string, Json][] = [
      [offerer, "create_offer", { ice_restart: false }],
      [answerer, "set_remote_description", { description: offer }],
      [answerer, "create_answer", {}],
      [answerer, "set_local_description", { description: null }],
      [offerer, "add_ice_candidate", { candidate: UNREACHABLE }],
      [offerer, "get_configuration", {}],
      [offerer, "set_configuration", { configuration: { ice_servers: [], ice_transport_policy: "relay" } }],
      [offerer, "set_track_enabled", { track: "track:1", enabled: false }],
      [offerer, "replace_track", { sender, media: null }],
      [offerer, "set_direction", { transceiver, direction: "sendonly" }],
      [offerer, "set_codec_preferences", { transceiver, codecs: (capabilities.codecs as Json[]).slice(0, 1) }],
      [offerer, "get_capabilities", { side: "sender", kind: "audio" }],
      [offerer, "set_parameters", { sender, parameters }],
      [offerer, "set_jitter_buffer_target", { receiver: "receiver:1", milliseconds: 200 }],
      [
        offerer,
        "create_data_channel",
        { label: "more", options: { ordered: true, max_retransmits: 0, protocol: null } },
      ],
      [offerer, "send", { channel, text: "Hello" }],
      [offerer, "set_buffered_amount_low_threshold", { channel, bytes: 65_536 }],
      [offerer, "add_transceiver", { kind: "audio", direction: "recvonly", media: null }],
      [offerer, "add_track", { media: { kind: "tone" } }],
      [offerer, "get_stats", { of: null }],
      [offerer, "get_stats", { of: sender }],
      [offerer, "restart_ice", {}],
      [offerer, "stop_transceiver", { transceiver }],
      [offerer, "remove_track", { sender }],
      [offerer, "close_channel", { channel }],
      [offerer, "close", {}],
    ];
    for (const [peer, op, args] of steps) {
      const { result } = contract.operations[op as keyof typeof contract.operations];
      expect(Object.keys(await peer.call(op, args)).sort(), op).toEqual(Object.keys(result).sort());
    }
    const tried = new Set([...steps.map(([, op]) => op), "create", "get_parameters"]);
    for (const op of Object.keys(contract.operations)) expect(tried, op).toContain(op);
    expect(offerer.objects["sender:1"]?.track).toBeNull();
    expect(offerer.objects["channel:2"]).toMatchObject({
      ordered: true,
      max_retransmits: 0,
      max_packet_life_time: null,
    });
  });
});

describe("two peers of a page", () => {
  it("connect by a description that is carried by hand, with trickle, and the channel echoes", async () => {
    const { offerer, answerer, channel } = await connectedPair();
    await offerer.call("send", { channel, text: "Hello Grüße \ud83d\udc4b" });
    await answerer.until(() => expect(answerer.of("message")).toHaveLength(1));
    expect(answerer.of("message")[0]?.slice(1, 4)).toEqual([
      "channel:1",
      "message",
      { text: "Hello Grüße \ud83d\udc4b" },
    ]);
    await answerer.call("send", { channel: "channel:1", base64: btoa("\0\xffbytes") });
    await offerer.until(() => expect(offerer.of("message")).toHaveLength(1));
    expect(offerer.of("message")[0]?.[3]).toEqual({ base64: btoa("\0\xffbytes") });
  });

  it("hear a tone, and what is received grows", async () => {
    const { offerer, answerer } = await connectedPair((peer) =>
      peer.call("add_track", { media: { kind: "tone", hz: 440 } }),
    );
    expect(answerer.of("track")[0]?.[3]).toEqual({
      transceiver: "transceiver:1",
      receiver: "receiver:1",
      track: "track:1",
    });
    await answerer.until(() => expect(answerer.of("unmute")).toHaveLength(1));
    const energy = async () => {
      const { reports } = await answerer.call("get_stats", { of: "receiver:1" });
      const inbound = (reports as Json[]).find(({ type }) => type === "inbound-rtp");
      return Number(inbound?.totalAudioEnergy ?? 0);
    };
    await expect.poll(energy, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(offerer.objects["sender:1"]?.track).toBe("track:1");
  });

  it("negotiate again, keep their objects, and restart ICE", async () => {
    const { offerer, answerer } = await connectedPair();
    await offerer.call("add_track", { media: { kind: "tone" } });
    await negotiate(offerer, answerer);
    expect(offerer.objects["transceiver:1"]).toMatchObject({ mid: "1", current_direction: "sendonly" });
    expect(offerer.objects["channel:1"]?.ready_state).toBe("open");
    const before = String((offerer.pc.local_description as Json).sdp).match(/a=ice-ufrag:(.*)/)?.[1];
    await offerer.call("restart_ice");
    await offerer.until(() => expect(offerer.of("negotiationneeded").length).toBeGreaterThan(1));
    await negotiate(offerer, answerer);
    const after = String((offerer.pc.local_description as Json).sdp).match(/a=ice-ufrag:(.*)/)?.[1];
    expect(after).not.toBe(before);
    expect(offerer.pc.connection_state).toBe("connected");
  });

  it("roll an offer back", async () => {
    const peer = await withChannel();
    await peer.call("set_local_description", { description: await peer.call("create_offer") });
    expect(peer.pc.signaling_state).toBe("have-local-offer");
    await peer.call("set_local_description", { description: { type: "rollback" } });
    expect(peer.pc).toMatchObject({ signaling_state: "stable", local_description: null });
  });

  it("list the pairs that ICE tries, and which one is in use", async () => {
    const { offerer, answerer } = await connectedPair();
    await answerer.until(() => {
      const pairs = answerer.of("pairs").at(-1)?.[3] as { pairs: Json[] } | undefined;
      const sample = contract.events.pairs.payload.pairs[0];
      expect(Object.keys(pairs?.pairs[0] ?? {}).sort()).toEqual(Object.keys(sample ?? {}).sort());
      expect(pairs?.pairs.filter(({ selected }) => selected)).toHaveLength(1);
      expect(pairs?.pairs.find(({ selected }) => selected)).toMatchObject({ state: "succeeded" });
    });
    expect(offerer.of("pairs").length).toBeGreaterThan(0);
  });

  it("have descriptions that cross byte for byte", async () => {
    const { offerer, answerer } = await connectedPair();
    const sdp = String((offerer.pc.current_local_description as Json).sdp);
    expect(sdp).toMatch(/\r\n$/);
    expect((answerer.pc.remote_description as Json).type).toBe("offer");
    const { message, code } = await answerer.fail("set_remote_description", {
      description: { type: "offer", sdp: sdp.trim() },
    });
    expect(code).toBe("OperationError");
    expect(message).toContain("Invalid SDP line");
  });
});

describe("the numbers of events", () => {
  it("go on over an unacknowledged gap: the page sends again what the kernel misses", async () => {
    const peer = await withChannel();
    peer.acknowledges = false;
    await peer.call("create_offer");
    const count = peer.events.length;
    const sent = peer.kernel.of("peer_events").length;
    peer.kernel.say({ type: "resend", first: count - 2 });
    const again = peer.kernel.of("peer_events").slice(sent);
    expect(again.map(({ first }) => first)).toEqual([count - 2]);
    expect(again[0]?.events).toEqual(JSON.parse(JSON.stringify(peer.events.slice(count - 2))));
  });

  it("are in each reply: the events before it have left already", async () => {
    const peer = await withChannel();
    const reply = await peer.ask("create_offer");
    expect(reply.seq).toBe(peer.events.length);
    expect(peer.operations.at(-1)).toEqual({ call: 3, op: "create_offer", phase: "settled" });
  });
});

describe("a wrong step", () => {
  it.each<[string, string, (peer: DrivenPeer) => Promise<{ code: string; message: string }>]>([
    ["an answer in stable", "InvalidStateError", (peer) => peer.fail("create_answer")],
    [
      "an answer where an offer is due",
      "InvalidStateError",
      async (peer) => {
        const other = await withChannel();
        await other.call("set_remote_description", { description: await peer.call("create_offer") });
        const answer = await other.call("create_answer");
        return peer.fail("set_remote_description", { description: answer });
      },
    ],
    [
      "an own offer as the answer",
      "InvalidAccessError",
      async (peer) => {
        const offer = await peer.call("create_offer");
        await peer.call("set_local_description", { description: offer });
        return peer.fail("set_remote_description", { description: { ...offer, type: "answer" } });
      },
    ],
    [
      "garbage as a description",
      "OperationError",
      (peer) => peer.fail("set_remote_description", { description: { type: "offer", sdp: "v=0\r\nnonsense\r\n" } }),
    ],
    [
      "a description of no type",
      "TypeError",
      (peer) => peer.fail("set_remote_description", { description: { type: "proposal", sdp: "" } }),
    ],
    [
      "a candidate before the remote description",
      "InvalidStateError",
      (peer) => peer.fail("add_ice_candidate", { candidate: UNREACHABLE }),
    ],
    [
      "a candidate of no section",
      "TypeError",
      (peer) => peer.fail("add_ice_candidate", { candidate: { candidate: UNREACHABLE.candidate } }),
    ],
    [
      "both limits of a channel",
      "TypeError",
      (peer) =>
        peer.fail("create_data_channel", { label: "x", options: { max_retransmits: 1, max_packet_life_time: 1 } }),
    ],
    [
      "a negotiated channel without an id",
      "TypeError",
      (peer) => peer.fail("create_data_channel", { label: "x", options: { negotiated: true } }),
    ],
    ["a message too early", "InvalidStateError", (peer) => peer.fail("send", { channel: "channel:1", text: "Hi" })],
    [
      "another bundle policy",
      "InvalidModificationError",
      (peer) => peer.fail("set_configuration", { configuration: { bundle_policy: "max-compat" } }),
    ],
    [
      "other encodings",
      "InvalidModificationError",
      async (peer) => {
        await peer.call("add_track", { media: { kind: "silence" } });
        const { parameters } = await peer.call("get_parameters", { sender: "sender:1" });
        return peer.fail("set_parameters", {
          sender: "sender:1",
          parameters: { ...(parameters as Json), encodings: [{ active: true }, { active: true }] },
        });
      },
    ],
    [
      "parameters that were not read",
      "InvalidStateError",
      async (peer) => {
        await peer.call("add_track", { media: { kind: "silence" } });
        const parameters = { transactionId: "1", encodings: [], codecs: [], headerExtensions: [], rtcp: {} };
        return peer.fail("set_parameters", { sender: "sender:1", parameters });
      },
    ],
    [
      "a direction that there is not",
      "TypeError",
      async (peer) => {
        await peer.call("add_transceiver", { kind: "audio" });
        return peer.fail("set_direction", { transceiver: "transceiver:1", direction: "both" });
      },
    ],
    ["an unknown kind of media", "TypeError", (peer) => peer.fail("add_track", { media: { kind: "film" } })],
    ["the handle of another kind", "TypeError", (peer) => peer.fail("close_channel", { channel: "sctp:1" })],
    ["an unknown operation", "NotSupportedError", (peer) => peer.fail("fly")],
    [
      "anything after close",
      "InvalidStateError",
      async (peer) => {
        await peer.call("close");
        return peer.fail("create_offer");
      },
    ],
  ])("gets the browser's error: %s", async (_, name, step) => {
    const peer = await withChannel();
    const { code, message } = await step(peer);
    expect(code).toBe(name);
    expect(peer.operations.at(-1)).toMatchObject({ phase: "settled", error: { name, message } });
  });

  it.each([
    ["SyntaxError", { ice_servers: [{ urls: "http:127.0.0.1" }] }],
    ["InvalidAccessError", { ice_servers: [{ urls: "turn:127.0.0.1:3478" }] }],
    ["TypeError", { ice_transport_policy: "some" }],
  ])("is refused at the beginning with %s", async (name, configuration) => {
    const { DrivenPeer } = await import("./peers");
    const peer = new DrivenPeer();
    expect(await peer.fail("create", { configuration })).toMatchObject({ code: name, hint: "" });
    expect(peer.events).toEqual([]);
    await peer.create();
    expect(peer.pc.signaling_state).toBe("stable");
  });

  it("gives errors of other names one that the kernel knows", () => {
    const unusual = operationError(new DOMException("Too much", "QuotaExceededError")).toWire();
    expect(unusual).toEqual({ code: "UnknownError", message: "Too much", hint: "" });
  });

  it("leaves the peer usable", async () => {
    const peer = await withChannel();
    await peer.fail("create_answer");
    const other = await newPeer();
    trickle(peer, other);
    await negotiate(peer, other);
    await peer.until(() => expect(peer.pc.connection_state).toBe("connected"));
  });
});
