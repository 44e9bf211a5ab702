/** Stops the response that is generated or spoken, and sends a written message when it has ended. */

import { Deferred, within } from "../async";
import type { Fact } from "../conversation/facts";
import type { VoiceProtocol } from "../protocols/base";

/** A server that does not confirm the end of a response in this time gets the message anyway. */
const END_LIMIT_MS = 1_000;

export class Interruption {
  readonly #protocol: VoiceProtocol;
  readonly #send: (texts: readonly string[]) => void;
  readonly #silence: () => void;
  readonly #sendTurn: (texts: readonly string[]) => void;
  readonly #responses = new Set<string>();
  #isSpeaking = false;
  #ended: Deferred<void> | undefined;

  /**
   * @param silence silences the loudspeaker until the voice has paused, where no event stops it
   * @param sendTurn sends the events of a turn that the user has written
   */
  constructor(
    protocol: VoiceProtocol,
    send: (texts: readonly string[]) => void,
    silence: () => void,
    sendTurn: (texts: readonly string[]) => void = send,
  ) {
    this.#protocol = protocol;
    this.#send = send;
    this.#silence = silence;
    this.#sendTurn = sendTurn;
  }

  apply(fact: Fact): void {
    if (fact.type === "response_started") this.#responses.add(fact.id);
    if (fact.type === "speaking" && fact.speaker === "assistant") this.#isSpeaking = fact.isSpeaking;
    if (fact.type !== "response_ended") return;
    this.#responses.delete(fact.id);
    if (this.#responses.size === 0) this.#settle();
  }

  /** Does nothing while the assistant is silent; throws as `Call.send` does. */
  interrupt(): void {
    const assistant = { isResponding: this.#responses.size > 0, isSpeaking: this.#isSpeaking };
    if (!assistant.isResponding && !assistant.isSpeaking) return;
    const texts = this.#protocol.interrupt(assistant);
    if (texts.length > 0) this.#send(texts);
    else this.#silence();
  }

  /** Interrupts the response and sends these events. */
  async replace(texts: readonly string[]): Promise<void> {
    this.interrupt();
    await this.add(texts);
  }

  /** Sends these events: servers refuse to begin a response before the last one has ended, so a moment is left for that. */
  async add(texts: readonly string[]): Promise<void> {
    if (this.#responses.size > 0) {
      this.#ended ??= new Deferred();
      await within(END_LIMIT_MS, this.#ended.promise, () => {});
    }
    this.#sendTurn(texts);
  }

  /** The call is over. */
  end(): void {
    this.#responses.clear();
    this.#isSpeaking = false;
    this.#settle();
  }

  #settle(): void {
    this.#ended?.resolve();
    this.#ended = undefined;
  }
}
