/**
 * Push-to-talk: where the server does not detect the end of a turn, a person holds a button while speaking.
 *
 * Both ends of a turn are made here, on the page: the input audio and the events around it must stay together.
 */

import type { Fact } from "../conversation/facts";
import type { VoiceProtocol } from "../protocols/base";

/** The last word is still on its way when the button is released: the microphone and the turn end a moment later. */
const TAIL_MS = 200;
/** A shorter press holds no word; servers refuse to commit it. */
const MIN_TURN_MS = 300;

export interface PushToTalkState {
  /** The session leaves it to the person to say when a turn ends. */
  readonly isOn: boolean;
  readonly isHeld: boolean;
}

export interface PushToTalkParts {
  send(texts: readonly string[]): void;
  /** Whether the microphone is silenced between two turns. */
  setHeldBack(isHeldBack: boolean): void;
  onChange(state: PushToTalkState): void;
}

export class PushToTalk {
  readonly #protocol: VoiceProtocol;
  readonly #parts: PushToTalkParts;
  #state: PushToTalkState = { isOn: false, isHeld: false };
  readonly #responses = new Set<string>();
  #isAssistantSpeaking = false;
  #heldSince = 0;
  #tail: ReturnType<typeof setTimeout> | undefined;

  constructor(protocol: VoiceProtocol, parts: PushToTalkParts) {
    this.#protocol = protocol;
    this.#parts = parts;
  }

  /** Begins a turn: stops the assistant, discards earlier input audio and opens the microphone. */
  press(): void {
    if (this.#state.isHeld) return;
    if (this.#tail !== undefined) this.#finish();
    const assistant = { isResponding: this.#responses.size > 0, isSpeaking: this.#isAssistantSpeaking };
    this.#parts.send(this.#protocol.beginTurn(assistant));
    // Without an event that says so, the first press turns it on, for this call.
    if (!this.#protocol.hasTurnEvents) this.#setOn(true);
    this.#heldSince = performance.now();
    this.#parts.setHeldBack(false);
    this.#set({ ...this.#state, isHeld: true });
  }

  /** Ends the turn and asks for a response; a mere tap is discarded. */
  release(): void {
    if (!this.#state.isHeld) return;
    this.#set({ ...this.#state, isHeld: false });
    this.#tail = setTimeout(() => this.#finishIfPossible(), TAIL_MS);
  }

  /** The call is over. */
  end(): void {
    this.#forgetPress();
    this.#responses.clear();
    this.#isAssistantSpeaking = false;
    this.#parts.setHeldBack(false);
    this.#set({ isOn: false, isHeld: false });
  }

  apply(fact: Fact): void {
    switch (fact.type) {
      case "turn_detection":
        this.#setOn(!fact.isEnabled);
        break;
      case "response_started":
        this.#responses.add(fact.id);
        break;
      case "response_ended":
        this.#responses.delete(fact.id);
        break;
      case "speaking":
        if (fact.speaker === "assistant") this.#isAssistantSpeaking = fact.isSpeaking;
        break;
    }
  }

  #setOn(isOn: boolean): void {
    if (isOn === this.#state.isOn) return;
    // The button vanishes, so a press of it is never released.
    if (!isOn) this.#forgetPress();
    this.#parts.setHeldBack(isOn && !this.#state.isHeld);
    this.#set({ ...this.#state, isOn });
  }

  #forgetPress(): void {
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
    this.#parts.setHeldBack(this.#state.isOn);
    const isTap = performance.now() - this.#heldSince < MIN_TURN_MS + TAIL_MS;
    this.#parts.send(isTap ? this.#protocol.discardTurn() : this.#protocol.commitTurn());
  }

  #set(state: PushToTalkState): void {
    this.#state = state;
    this.#parts.onChange(state);
  }
}
