/**
 * Push-to-talk: where the session detects no turns, a person says by holding a button when theirs begins and ends.
 *
 * Both ends of a turn are made here, on the page: what is heard and the events that enclose it must not drift apart.
 */

import type { Direction } from "../comm/protocol";
import { isRecord, isText } from "../comm/protocol";

/** What is said at the moment of letting go is still on its way: the microphone and the turn end a moment later. */
const TAIL_MS = 200;
/** A shorter press holds no word; servers refuse to commit it. */
const SHORTEST_MS = 300;
const CONCERNS_IT = /"(session\.(created|updated)|response\.(created|done)|output_audio_buffer\.\w+)"/;

type JsonObject = Readonly<Record<string, unknown>>;

export interface TalkState {
  /** The session leaves it to the person to say when a turn ends. */
  readonly isOn: boolean;
  readonly isHeld: boolean;
}

export interface TalkParts {
  send(texts: readonly string[]): void;
  holdBack(heldBack: boolean): void;
  onChange(state: TalkState): void;
}

export class PushToTalk {
  readonly #parts: TalkParts;
  #state: TalkState = { isOn: false, isHeld: false };
  #responses = new Set<string>();
  #isVoiceOut = false;
  #heldSince = 0;
  #tail: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: TalkParts) {
    this.#parts = parts;
  }

  /** Begins a turn: what the assistant is saying stops, what was heard before is forgotten, the microphone opens. */
  press(): void {
    if (this.#state.isHeld) return;
    if (this.#tail !== undefined) this.#finish();
    const events: object[] = [{ type: "input_audio_buffer.clear" }];
    if (this.#responses.size > 0) events.push({ type: "response.cancel" });
    if (this.#isVoiceOut) events.push({ type: "output_audio_buffer.clear" });
    this.#send(events);
    this.#heldSince = performance.now();
    this.#parts.holdBack(false);
    this.#set({ ...this.#state, isHeld: true });
  }

  /** Ends the turn and asks for the answer; a mere tap is taken back. */
  release(): void {
    if (!this.#state.isHeld) return;
    this.#set({ ...this.#state, isHeld: false });
    this.#tail = setTimeout(() => this.#finishIfPossible(), TAIL_MS);
  }

  /** The call is over. */
  end(): void {
    this.#letGo();
    this.#responses.clear();
    this.#isVoiceOut = false;
    this.#parts.holdBack(false);
    this.#set({ isOn: false, isHeld: false });
  }

  noteEvent(direction: Direction, text: string): void {
    if (direction === "sent" || !CONCERNS_IT.test(text)) return;
    const event = parsed(text);
    switch (event?.type) {
      case "session.created":
      case "session.updated":
        this.#noteSession(event.session);
        break;
      case "response.created":
        // One beside the conversation is not what a person interrupts.
        if (isRecord(event.response) && isText(event.response.id) && event.response.conversation_id !== null) {
          this.#responses.add(event.response.id);
        }
        break;
      case "response.done":
        if (isRecord(event.response)) this.#responses.delete(String(event.response.id));
        break;
      case "output_audio_buffer.started":
        this.#isVoiceOut = true;
        break;
      case "output_audio_buffer.stopped":
      case "output_audio_buffer.cleared":
        this.#isVoiceOut = false;
        break;
    }
  }

  #noteSession(session: unknown): void {
    const detection = turnDetectionOf(session);
    if (detection === undefined) return;
    const isOn = detection === null;
    if (isOn === this.#state.isOn) return;
    // Whoever holds the button now will never let go of it: it vanishes.
    if (!isOn) this.#letGo();
    this.#parts.holdBack(isOn && !this.#state.isHeld);
    this.#set({ ...this.#state, isOn });
  }

  #letGo(): void {
    clearTimeout(this.#tail);
    this.#tail = undefined;
    this.#state = { ...this.#state, isHeld: false };
  }

  #finishIfPossible(): void {
    try {
      this.#finish();
    } catch {
      // The channel is closing, and the turn ends with the call.
    }
  }

  #finish(): void {
    clearTimeout(this.#tail);
    this.#tail = undefined;
    this.#parts.holdBack(this.#state.isOn);
    const isTap = performance.now() - this.#heldSince < SHORTEST_MS + TAIL_MS;
    if (isTap) this.#send([{ type: "input_audio_buffer.clear" }]);
    else this.#send([{ type: "input_audio_buffer.commit" }, { type: "response.create" }]);
  }

  #send(events: readonly object[]): void {
    this.#parts.send(events.map((event) => JSON.stringify(event)));
  }

  #set(state: TalkState): void {
    this.#state = state;
    this.#parts.onChange(state);
  }
}

/** Undefined where the session does not say. */
function turnDetectionOf(session: unknown): unknown {
  const audio = isRecord(session) ? session.audio : undefined;
  const input = isRecord(audio) ? audio.input : undefined;
  if (isRecord(input)) return input.turn_detection;
  return isRecord(session) ? session.turn_detection : undefined;
}

function parsed(text: string): JsonObject | undefined {
  try {
    const event: unknown = JSON.parse(text);
    return isRecord(event) ? event : undefined;
  } catch {
    return undefined;
  }
}
