import { afterEach, describe, expect, it, vi } from "vitest";
import { Peer } from "../../src/call/peer";
import { RtcWidgetError } from "../../src/errors";
import { startCall } from "../fakes";

/** Returns a generator of pseudorandom numbers (mulberry32), the same for each run. */
function dice(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Returns a peer that has made a real offer, and the offer. */
async function offering() {
  const silent = { onStates: () => {}, onRemoteAudio: () => {}, onMessage: () => {} };
  const peer = new Peer(
    { label: "oai-events", iceServers: [], renegotiates: false, needsCandidates: true },
    "sendrecv",
    silent,
  );
  open.push(peer);
  const offer = await peer.setOffer(await peer.createOffer(), new AbortController().signal);
  return { peer, offer };
}

async function answerTo(offer: string): Promise<string> {
  const other = new RTCPeerConnection();
  open.push(other);
  await other.setRemoteDescription({ type: "offer", sdp: offer });
  await other.setLocalDescription(await other.createAnswer());
  return other.localDescription?.sdp ?? "";
}

/** Returns whether the peer accepted an answer, or the code of this package's error. */
async function outcome(peer: Peer, answer: string): Promise<string> {
  try {
    await peer.accept(answer);
    return "taken";
  } catch (error) {
    if (!(error instanceof RtcWidgetError)) throw error;
    expect(error.message).toContain("does not accept the server's SDP answer");
    return error.code;
  }
}

function mangled(answer: string, seed: number): string {
  const roll = dice(seed);
  const lines = answer.split("\r\n");
  for (let change = 0; change <= roll(4); change++) {
    const at = roll(lines.length);
    const line = lines[at] ?? "";
    const rest = line.slice(roll(line.length + 1));
    const changes = [
      [],
      [line, line],
      [rest],
      [`${line}${rest}`],
      [line.toUpperCase()],
      ["a=\u0000\uffff"],
      ["m=audio 9 X 0"],
    ];
    lines.splice(at, 1, ...(changes[roll(changes.length)] ?? []));
  }
  return lines.join("\r\n");
}

describe("an answer that the kernel took for one", () => {
  const BAD = [
    "v=0",
    "v=0\r\n",
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
    `v=0\r\n${"a=x\r\n".repeat(100_000)}`,
  ];
  it.each(BAD.map((sdp) => [sdp.slice(0, 60), sdp]))("is refused by the browser with words: %j", async (_, sdp) => {
    const { peer } = await offering();
    expect(await outcome(peer, sdp)).toBe("invalid_answer");
  });

  it("is taken or refused, however it is mangled, and never hangs", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const { peer, offer } = await offering();
      outcomes.add(await outcome(peer, mangled(await answerTo(offer), seed)));
      for (const one of open.splice(0)) one.close();
    }
    expect([...outcomes].sort()).toEqual(["invalid_answer", "taken"]);
  });
});

describe("rubbish over the data channel", () => {
  const TYPES = [
    "session.created",
    "session.updated",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.deleted",
    "conversation.item.truncated",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "input_audio_buffer.committed",
    "response.created",
    "response.output_item.added",
    "response.output_audio_transcript.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.done",
    "output_audio_buffer.cleared",
    "error",
  ];
  const FIELDS = [
    "item",
    "item_id",
    "previous_item_id",
    "delta",
    "transcript",
    "text",
    "response",
    "content_index",
    "session",
    "error",
  ];
  const JUNK: readonly unknown[] = [
    null,
    true,
    -1,
    1e308,
    "",
    "x",
    "<script>document.title = 'owned'</script>",
    [],
    [null],
    {},
    { id: {}, type: [], role: 7, content: "no list", output: [null, 7, { id: [] }], audio: { input: null } },
    { id: "i", type: "message", role: "user", content: [null, 7, { text: {} }] },
  ];

  it("leaves the call up, and the next good event is shown", async () => {
    const { channel, kernel, mount } = await startCall();
    const { element } = mount();
    const title = document.title;
    const roll = dice(7);
    for (const type of TYPES) {
      for (const junk of JUNK) {
        const fields = Object.fromEntries(FIELDS.map((name) => [name, roll(3) === 0 ? JUNK[roll(JUNK.length)] : junk]));
        channel.receive(JSON.stringify({ type, ...fields }));
      }
    }
    for (const frame of [
      "",
      "{",
      "null",
      "7",
      '"x"',
      "[]",
      "{}",
      '{"type":7}',
      '{"type":{}}',
      "\u0000",
      "[".repeat(100_000),
    ]) {
      channel.receive(frame);
    }
    channel.receive(new ArrayBuffer(1_000_000));
    channel.receive(JSON.stringify({ type: "x", text: "y".repeat(10_000_000) }));
    channel.receive({ type: "response.output_text.done", item_id: "good", text: "Here I am." });
    await vi.waitFor(() => expect(element.textContent).toContain("Here I am."));
    expect(kernel.states.at(-1)?.status).toBe("connected");
    expect(element.querySelector("script")).toBeNull();
    expect(document.title).toBe(title);
  });
});
