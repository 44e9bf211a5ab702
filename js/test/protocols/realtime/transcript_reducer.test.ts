import { describe, expect, it } from "vitest";
import { type Conversation, EMPTY_CONVERSATION, turnText } from "../../../src/conversation/transcript";
import { endCall, reduce } from "../../../src/protocols/realtime/transcript_reducer";

type ServerEvent = Record<string, unknown>;

const after = (events: ServerEvent[], start: Conversation = EMPTY_CONVERSATION, attempt = "a1") =>
  events.reduce((conversation, event) => reduce(conversation, event, attempt), start);
const lines = ({ turns }: Conversation) =>
  turns
    .filter(({ role }) => role !== "unseen")
    .map((turn) => `${turn.role}: ${turnText(turn)}${turn.status === "completed" ? "" : ` [${turn.status}]`}`);

const item = (id: string, role: string, content: object[], more: object = {}) => ({
  id,
  type: "message",
  role,
  content,
  ...more,
});
const added = (it: object, previous_item_id: string | null = null) => ({
  type: "conversation.item.added",
  item: it,
  previous_item_id,
});
const spoken = (id: string) => item(id, "user", [{ type: "input_audio", transcript: null }]);
const heard = (item_id: string, transcript: string) => ({
  type: "conversation.item.input_audio_transcription.completed",
  item_id,
  content_index: 0,
  transcript,
});
const delta = (item_id: string, text: string, response_id = "r1") => ({
  type: "response.output_audio_transcript.delta",
  item_id,
  response_id,
  content_index: 0,
  delta: text,
});
const done = (id: string, status = "completed", details: object | null = null) => ({
  type: "response.done",
  response: { id, status, status_details: details, output: [] },
});

describe("the transcript", () => {
  it("shows a spoken turn at its place, and its words when they come", () => {
    const events = [
      added(spoken("u1")),
      added(item("m1", "assistant", []), "u1"),
      delta("m1", "ICE "),
      delta("m1", "is …"),
    ];
    const early = after(events);
    expect(lines(early)).toEqual(["user:  [in_progress]", "assistant: ICE is … [in_progress]"]);
    expect(lines(after([heard("u1", "What is ICE?"), done("r1")], early))).toEqual([
      "user: What is ICE?",
      "assistant: ICE is …",
    ]);
  });

  it("puts an item behind its predecessor, not where it happens to arrive", () => {
    const conversation = after([
      added(item("u1", "user", [{ type: "input_text", text: "one" }])),
      added(item("u2", "user", [{ type: "input_text", text: "three" }]), "u1"),
      added(item("x", "user", [{ type: "input_text", text: "two" }]), "u1"),
    ]);
    expect(lines(conversation)).toEqual(["user: one", "user: two", "user: three"]);
  });

  it("moves a turn whose place was only guessed", () => {
    const conversation = after([
      added(item("u1", "user", [{ type: "input_text", text: "one" }])),
      delta("m2", "two"),
      added(item("u3", "user", [{ type: "input_text", text: "three" }]), "m2"),
      delta("m9", "late"),
      added(item("m9", "assistant", []), "u1"),
    ]);
    expect(lines(conversation).map((line) => line.replace(" [in_progress]", ""))).toEqual([
      "user: one",
      "assistant: late",
      "assistant: two",
      "user: three",
    ]);
  });

  it("keeps the place behind items that are no messages", () => {
    const conversation = after([
      added(item("u1", "user", [{ type: "input_text", text: "weather?" }])),
      added({ id: "f1", type: "function_call", name: "weather" }, "u1"),
      added({ id: "o1", type: "function_call_output", output: "{}" }, "f1"),
      delta("m1", "Sunny."),
      added(item("m1", "assistant", []), "o1"),
    ]);
    expect(lines(conversation)).toEqual(["user: weather?", "assistant: Sunny. [in_progress]"]);
  });

  it("doubles nothing when the server tells of an item three times", () => {
    const it3 = item("u1", "user", [{ type: "input_text", text: "Hello" }]);
    const conversation = after([
      added(it3),
      { type: "conversation.item.created", item: it3 },
      { type: "conversation.item.done", item: it3 },
    ]);
    expect(lines(conversation)).toEqual(["user: Hello"]);
  });

  it("does not lose words already heard to an item that has none yet", () => {
    const conversation = after([
      added(spoken("u1")),
      heard("u1", "Hello"),
      { type: "conversation.item.done", item: spoken("u1") },
    ]);
    expect(lines(conversation)).toEqual(["user: Hello"]);
  });

  it("streams the words of the user too, and takes the final ones instead", () => {
    const partial = { type: "conversation.item.input_audio_transcription.delta", item_id: "u1", content_index: 0 };
    const early = after([added(spoken("u1")), { ...partial, delta: "Whit " }, { ...partial, delta: "is" }]);
    expect(lines(early)).toEqual(["user: Whit is [in_progress]"]);
    expect(lines(after([heard("u1", "What is?")], early))).toEqual(["user: What is?"]);
  });

  it("marks a turn that could not be written down", () => {
    const failed = {
      type: "conversation.item.input_audio_transcription.failed",
      item_id: "u1",
      error: { message: "no" },
    };
    expect(lines(after([added(spoken("u1")), failed]))).toEqual(["user:  [failed]"]);
  });

  it("knows when nothing is written down at all", () => {
    const session = (transcription: object | null) => ({
      type: "session.updated",
      session: { audio: { input: { transcription } } },
    });
    expect(after([session(null)]).isTranscribed).toBe(false);
    expect(after([session(null), session({ model: "m" })]).isTranscribed).toBe(true);
    expect(after([{ type: "session.created", session: {} }]).isTranscribed).toBe(true);
  });

  it("takes the final text of an answer, spoken or written, in the old names too", () => {
    const conversation = after([
      delta("m1", "Hallo"),
      { type: "response.output_audio_transcript.done", item_id: "m1", content_index: 0, transcript: "Hello." },
      { type: "response.output_text.delta", item_id: "m2", content_index: 0, delta: "wri" },
      { type: "response.output_text.done", item_id: "m2", content_index: 0, text: "written" },
      { type: "response.audio_transcript.delta", item_id: "m3", content_index: 0, delta: "old" },
    ]);
    expect(conversation.turns.map(turnText)).toEqual(["Hello.", "written", "old"]);
  });

  it.each([
    ["cancelled", { type: "cancelled", reason: "turn_detected" }, "interrupted"],
    ["cancelled", { type: "cancelled", reason: "client_cancelled" }, "cancelled"],
    ["failed", { type: "failed", error: { message: "no" } }, "failed"],
    ["incomplete", { type: "incomplete", reason: "max_output_tokens" }, "incomplete"],
  ])("marks an answer that was %s (%j)", (status, details, mark) => {
    expect(lines(after([delta("m1", "Well"), done("r1", status, details)]))).toEqual([`assistant: Well [${mark}]`]);
  });

  it("marks an answer that was complete but not spoken to its end", () => {
    const conversation = after([
      delta("m1", "Well"),
      done("r1"),
      { type: "output_audio_buffer.cleared", response_id: "r1" },
    ]);
    expect(lines(conversation)).toEqual(["assistant: Well [interrupted]"]);
    const truncated = { type: "conversation.item.truncated", item_id: "m1", content_index: 0, audio_end_ms: 3 };
    expect(lines(after([delta("m1", "Well"), done("r1"), truncated]))).toEqual(["assistant: Well [interrupted]"]);
  });

  it("shows an answer of which response.done is the first to tell", () => {
    const output = [
      item("m1", "assistant", [{ type: "output_audio", transcript: "All at once." }], { status: "completed" }),
    ];
    expect(lines(after([{ type: "response.done", response: { id: "r1", status: "completed", output } }]))).toEqual([
      "assistant: All at once.",
    ]);
  });

  it("forgets a deleted item", () => {
    const conversation = after([
      added(item("u1", "user", [{ type: "input_text", text: "oops" }])),
      { type: "conversation.item.deleted", item_id: "u1" },
    ]);
    expect(lines(conversation)).toEqual([]);
  });

  it("keeps calls apart although servers count their items from one in each", () => {
    const hello = added(item("item_1", "user", [{ type: "input_text", text: "Hello" }]));
    const second = after([hello], after([hello]), "a2");
    expect(lines(second)).toEqual(["user: Hello", "user: Hello"]);
    expect(second.turns.map(({ attempt }) => attempt)).toEqual(["a1", "a2"]);
  });

  it("leaves no turn under way when the call ends", () => {
    expect(lines(endCall(after([added(spoken("u1")), delta("m1", "We")])))).toEqual([
      "user:  [interrupted]",
      "assistant: We [interrupted]",
    ]);
  });

  it("takes no harm from events that are not as they should be", () => {
    const odd = [
      {},
      { type: 7 },
      { type: "conversation.item.added" },
      { type: "conversation.item.added", item: { id: 5 } },
      {
        type: "conversation.item.added",
        item: { id: "i", type: "message", role: "user", content: [null, 3, { transcript: {} }] },
      },
      { type: "response.output_audio_transcript.delta", item_id: "m1", delta: null, content_index: 1e9 },
      { type: "response.output_text.delta", item_id: "m2", delta: "x", content_index: -1 },
      { type: "response.output_text.delta", item_id: "m2", delta: "y", content_index: 1.5 },
      { type: "response.done", response: { output: [null] } },
      { type: "session.created", session: "?" },
    ];
    expect(() => after(odd)).not.toThrow();
  });

  it("is the same object after an event that says nothing about it", () => {
    const conversation = after([delta("m1", "Hello")]);
    expect(after([{ type: "rate_limits.updated" }, { type: "brand.new" }], conversation)).toBe(conversation);
  });
});
