/**
 * The turns of one call of GPT-Live, folded from fragments of text with times on the session clock: the service sends no
 * turns. The twin of `protocols/live/transcript_reducer.py`; `tests/contract/live_transcript.json` holds both together.
 */

import type { Turn, TurnStatus } from "../../conversation/transcript";
import { isRecord, isText, type JsonObject } from "../../json";
import { TYPED } from "./client_events";
import { Delegations } from "./delegations";

/** A speaker who was quiet for this time begins a new turn; the second where the other side has begun to speak since. */
const QUIET_MS = 1_500;
const YIELDED_MS = 600;
const WORD_GAP_MS = 200;
/** A turn is over when this time has passed since its last words. */
export const OVER_MS = 2_000;

type Role = "user" | "assistant";

const SPEAKERS: ReadonlyMap<unknown, Role> = new Map<unknown, Role>([
  ["session.input_transcript.delta", "user"],
  ["session.output_transcript.delta", "assistant"],
]);

/** A turn in the making; times in milliseconds on the session clock, except for `arrivedMs`. */
interface Fold {
  readonly number: number;
  readonly role: Role;
  text: string;
  readonly startMs: number;
  endMs: number;
  status: TurnStatus;
  arrivedMs: number | undefined;
  /** Its words took time to be said. */
  hasSound: boolean;
  /** The speaker has written something since. */
  isClosed: boolean;
  /** From the note for the voice model; the message for the backend may follow, and has the whole text. */
  isNoted: boolean;
}

export class CallTurns {
  readonly #attempt: string;
  readonly #folds: Fold[] = [];
  /** The last turn of each side that was spoken, and the last that was spoken or written. */
  readonly #spoken = new Map<Role, Fold>();
  readonly #newest = new Map<Role, Fold>();
  #clockMs = 0;
  #nowMs: number | undefined;
  readonly #seen = new Set<unknown>();
  readonly #delegations: Delegations;
  #isClosed = false;
  #isEnded = false;

  constructor(attempt: string) {
    this.#attempt = attempt;
    this.#delegations = new Delegations(attempt);
  }

  /** The turns, and the work that was handed over, ordered by the session clock. */
  get turns(): readonly Turn[] {
    const spoken = this.#folds
      .filter(({ text }) => text.trim() !== "")
      .map((fold) => ({ clockMs: fold.startMs, row: this.#turn(fold) }));
    return [...spoken, ...this.#delegations.works]
      .toSorted((one, other) => one.clockMs - other.clockMs)
      .map(({ row }) => row);
  }

  /** Takes an event, sent or received. */
  add(event: JsonObject, nowMs: number | undefined): void {
    this.#nowMs = nowMs ?? this.#nowMs;
    const { type, delta, content, item, event_id: id } = event;
    const role = SPEAKERS.get(type);
    if (role) {
      if (isText(delta) && delta !== "" && !this.#isRepeated(id)) this.#words(role, delta, event);
    } else if (type === "session.thinking.append") {
      if (isText(content) && content.startsWith(TYPED)) this.#written(content.slice(TYPED.length)).isNoted = true;
    } else if (type === "response.item.create") {
      if (isRecord(item) && (item.type ?? "message") === "message" && item.role === "user") this.#message(item);
    } else if (type === "session.closed") this.#isClosed = true;
    const times = [event.start_ms, event.end_ms, event.offset_ms].map((time) => milliseconds(time) ?? 0);
    this.#clockMs = Math.max(this.#clockMs, ...times);
    this.#delegations.add(event, this.#clockMs, nowMs);
    for (const fold of this.#spoken.values()) {
      if (fold.status === "in_progress" && this.#isOver(fold)) fold.status = "completed";
    }
  }

  end(): void {
    this.#isEnded = true;
    this.#delegations.end();
  }

  #turn({ number, role, text, status, hasSound }: Fold): Turn {
    return {
      key: `${this.#attempt}/turn_${number}`,
      attempt: this.#attempt,
      role,
      parts: [text.trim()],
      status: this.#isEnded && status === "in_progress" ? "interrupted" : status,
      isGuessed: false,
      isUnspoken: role === "assistant" && !hasSound && (this.#isEnded || status !== "in_progress"),
    };
  }

  #isRepeated(id: unknown): boolean {
    if (!isText(id)) return false;
    const isKnown = this.#seen.has(id);
    this.#seen.add(id);
    return isKnown;
  }

  #words(role: Role, text: string, event: JsonObject): void {
    const fold = this.#spoken.get(role);
    const startMs = milliseconds(event.start_ms) ?? fold?.endMs ?? this.#clockMs;
    const endMs = milliseconds(event.end_ms) ?? startMs;
    const hasSound = endMs > startMs || milliseconds(event.end_ms) === undefined;
    // A late "." belongs to the words before it, and does not begin a turn.
    if (fold && !/[\p{L}\p{N}]/u.test(text)) fold.text += text;
    else if (!fold || this.#beginsTurn(fold, startMs)) {
      if (fold?.status === "in_progress") fold.status = "completed";
      this.#spoken.set(role, this.#open(role, text, startMs, endMs, hasSound));
    } else {
      fold.text += (needsBlank(fold.text, text, startMs - fold.endMs) ? " " : "") + text;
      fold.endMs = Math.max(fold.endMs, endMs);
      fold.hasSound ||= hasSound;
      fold.arrivedMs = this.#nowMs;
      fold.status = "in_progress";
    }
  }

  #beginsTurn({ role, isClosed, startMs: began, endMs }: Fold, startMs: number): boolean {
    const quietMs = startMs - endMs;
    if (isClosed || quietMs >= QUIET_MS) return true;
    const other = this.#newest.get(role === "user" ? "assistant" : "user");
    return quietMs >= YIELDED_MS && other !== undefined && other.startMs > began && other.endMs >= endMs - YIELDED_MS;
  }

  #open(role: Role, text: string, startMs: number, endMs: number, hasSound = true): Fold {
    const number = this.#folds.length + 1;
    const arrivedMs = this.#nowMs;
    const fold: Fold = {
      number,
      role,
      text,
      startMs,
      endMs,
      status: "in_progress",
      arrivedMs,
      hasSound,
      isClosed: false,
      isNoted: false,
    };
    this.#folds.push(fold);
    this.#newest.set(role, fold);
    return fold;
  }

  #isOver({ role, endMs, arrivedMs }: Fold): boolean {
    if (this.#isClosed) return true;
    if (role === "assistant" && this.#delegations.isOpen) return false;
    const waitedMs = this.#nowMs === undefined || arrivedMs === undefined ? 0 : this.#nowMs - arrivedMs;
    return this.#clockMs - endMs >= OVER_MS || waitedMs >= OVER_MS;
  }

  #written(text: string): Fold {
    const spoken = this.#spoken.get("user");
    if (spoken) spoken.isClosed = true;
    const fold = this.#open("user", text, this.#clockMs, this.#clockMs);
    fold.status = "completed";
    return fold;
  }

  #message({ content }: JsonObject): void {
    const text = writtenText(content);
    const noted = this.#folds.findLast(({ isNoted }) => isNoted);
    if (noted) Object.assign(noted, { text, isNoted: false });
    else this.#written(text);
  }
}

function needsBlank(before: string, after: string, gapMs: number): boolean {
  if (/\s$/.test(before) || !/^\p{Lu}/u.test(after)) return false;
  return /[.!?…]$/.test(before) || gapMs >= WORD_GAP_MS;
}

function writtenText(content: unknown): string {
  const parts = Array.isArray(content) ? content.filter(isRecord) : [{ text: content }];
  const lines = parts.flatMap(({ type, text }: JsonObject) =>
    type === "input_image" ? ["[image]"] : isText(text) ? [text] : [],
  );
  return lines.join("\n");
}

function milliseconds(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
