import { describe, expect, it } from "vitest";
import { EventList } from "../../../src/conversation/event_list";
import type { JsonObject } from "../../../src/json";
import { LIVE } from "../../../src/protocols/live/protocol";
import { REALTIME } from "../../../src/protocols/realtime/protocol";
import { EventRows, FoldedRow } from "../../../src/ui/panel/event_rows";

const NO_LIMIT = Number.POSITIVE_INFINITY;

function listOf(events: readonly JsonObject[]) {
  const list = new EventList(() => Promise.reject(new Error("No history")), new AbortController().signal);
  for (const event of events) list.append("received", 1_000, JSON.stringify(event), event);
  return list;
}

function rowsOf(list: EventList, protocol = REALTIME) {
  let summarized = 0;
  const summarize = protocol.eventSummaries();
  const rows = new EventRows(
    list,
    (event) => {
      summarized += 1;
      return summarize(event);
    },
    () => true,
  );
  const update = () => rows.update(list.keyAt(list.size), NO_LIMIT);
  update();
  return { rows, update, summarized: () => summarized };
}

const shown = (rows: EventRows) =>
  Array.from({ length: rows.size }, (_, index) => {
    const placed = rows.at(index);
    if (!placed) throw new Error(`No row ${index}`);
    const { row, level } = placed;
    return [level, row.name, row instanceof FoldedRow ? row.count : 1, row.words];
  });
const openAt = (rows: EventRows, index: number, isOpen = true) => {
  const placed = rows.at(index);
  if (placed) rows.setOpen(placed, isOpen);
};

const conversation = (count: number): readonly JsonObject[] =>
  Array.from({ length: count }, (_, number) => [
    { type: "input_audio_buffer.speech_started", item_id: `u${number}` },
    { type: "response.created", response: { id: `r${number}` } },
    { type: "conversation.item.input_audio_transcription.delta", item_id: `u${number}`, delta: "Why" },
    { type: "response.output_text.delta", response_id: `r${number}`, delta: "Be" },
    { type: "conversation.item.input_audio_transcription.delta", item_id: `u${number}`, delta: "?" },
    { type: "response.output_text.delta", response_id: `r${number}`, delta: "cause" },
    { type: "response.done", response: { id: `r${number}`, status: "completed" } },
  ]).flat();

describe("the rows of a log", () => {
  it("are one per response, one per run of deltas, one per other event", () => {
    const { rows } = rowsOf(listOf(conversation(1)));
    expect(shown(rows)).toEqual([
      [1, "input_audio_buffer.speech_started", 1, ""],
      [1, "response.created … response.done", 4, "Because"],
      [1, "conversation.item.input_audio_transcription.delta", 2, "Why?"],
    ]);
  });

  it("name the response, though its audio is played for longer", () => {
    const { rows } = rowsOf(
      listOf([
        { type: "response.created", response: { id: "r1" } },
        { type: "output_audio_buffer.started", response_id: "r1" },
        { type: "response.done", response: { id: "r1", status: "completed" } },
        { type: "output_audio_buffer.stopped", response_id: "r1" },
      ]),
    );
    expect(shown(rows)).toEqual([[1, "response.created … response.done", 4, "completed"]]);
  });

  it("open to their parts, and the parts to their deltas, each where it stands", () => {
    const { rows } = rowsOf(listOf(conversation(2)));
    openAt(rows, 1);
    openAt(rows, 3);
    expect(shown(rows).slice(0, 8)).toEqual([
      [1, "input_audio_buffer.speech_started", 1, ""],
      [1, "response.created … response.done", 4, "Because"],
      [2, "response.created", 1, ""],
      [2, "response.output_text.delta", 2, "Because"],
      [3, "response.output_text.delta", 1, "Be"],
      [3, "response.output_text.delta", 1, "cause"],
      [2, "response.done", 1, "completed"],
      [1, "conversation.item.input_audio_transcription.delta", 2, "Why?"],
    ]);
    const second = rows.at(9);
    expect(second && rows.indexOf(second.topKey)).toBe(9);
    openAt(rows, 1, false);
    expect(rows.size).toBe(6);
  });

  it("read each event once, however often they are updated", () => {
    const events = conversation(1_000);
    const list = listOf([]);
    const { rows, update, summarized } = rowsOf(list);
    for (const [number, event] of events.entries()) {
      list.append("received", 1_000, JSON.stringify(event), event);
      if (number % 10 === 0) update();
    }
    update();
    expect(summarized()).toBe(events.length);
    expect(shown(rows)).toEqual(shown(rowsOf(listOf(events)).rows));
  });

  it("take in a long log in several steps", () => {
    const list = listOf(conversation(200));
    const rows = new EventRows(list, REALTIME.eventSummaries(), () => true);
    let steps = 1;
    while (!rows.update(list.keyAt(list.size), -1)) steps += 1;
    expect(steps).toBeGreaterThan(5);
    expect(rows.count).toBe(1_400);
  });

  it("go when the log drops their events", () => {
    const list = listOf(conversation(14_285)); // 99,995 events
    const { rows, update } = rowsOf(list);
    openAt(rows, 1);
    for (const event of conversation(1)) list.append("received", 1_000, JSON.stringify(event), event);
    expect(list.size).toBeLessThan(100_000);
    update();
    expect(rows.count).toBeLessThanOrEqual(list.size + 7);
    expect(rows.count).toBeGreaterThanOrEqual(list.size);
    expect(shown(rows).every(([level]) => level === 1)).toBe(true);
    expect(rows.at(0)?.row.key).toBeGreaterThan(9_000);
  });

  it("show a delta of the kind of those that the log has dropped", () => {
    const spoken = (delta: string) => ({
      type: "conversation.item.input_audio_transcription.delta",
      item_id: "u0",
      delta,
    });
    const written = { type: "response.output_text.delta", response_id: "r0", delta: "Be" };
    const list = listOf([{ type: "response.created", response: { id: "r0" } }, spoken("Why")]);
    const { rows, update } = rowsOf(list);
    for (let number = 0; number < 100_000; number += 1) {
      // The rows have a part of the response that the log keeps, so that it begins no other row.
      if (number === 99_000) update();
      list.append("received", 1_000, JSON.stringify(written), written);
    }
    update();
    expect(list.size).toBeLessThan(100_000);
    list.append("received", 1_000, JSON.stringify(spoken("?")), spoken("?"));
    update();
    expect(shown(rows).at(-1)).toEqual([1, spoken("").type, 1, "?"]);
  });

  it("fold what a backend of GPT-Live does, though few of its events name the response", () => {
    const nested = (event: JsonObject, delegation_id: string | null = "d1") => ({
      type: "response.event",
      delegation_id,
      event,
    });
    const { rows } = rowsOf(
      listOf([
        { type: "session.output_transcript.delta", delta: "One " },
        { type: "session.output_transcript.delta", delta: "moment." },
        nested({ type: "response.created", response: { id: "resp_1" } }),
        nested({ type: "response.created", response: { id: "resp_2" } }, null),
        nested({ type: "response.output_text.delta", delta: "18 " }),
        nested({ type: "response.output_text.delta", delta: "degrees" }),
        nested({ type: "response.output_text.delta", delta: "other" }, null),
        nested({ type: "response.completed", response: { id: "resp_1", status: "completed" } }),
      ]),
      LIVE,
    );
    expect(shown(rows)).toEqual([
      [1, "session.output_transcript.delta", 2, "One moment."],
      [1, "response.event: response.created … response.event: response.completed", 4, "18 degrees"],
      [1, "response.event: response.created … response.event: response.output_text.delta", 2, "other"],
    ]);
  });
});
