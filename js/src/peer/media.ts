/** What a peer connection sends: a microphone, a tone, a clip of the kernel, or silence. All of it ends with the peer. */

import { abortable } from "../async";
import { isRecord, isText, type JsonObject } from "../json";
import { keepResuming, openContext } from "../media/audio_context";
import { ClipPlayer, type ClipSource, fetchClip } from "../media/clips";
import { loadChoice } from "../media/devices";
import { CONSTRAINTS, openMicrophone } from "../media/microphone";
import { camelCase } from "./names";

const DEFAULT_HZ = 440;
const DEFAULT_LEVEL = 0.2;

export class PeerMedia {
  readonly #pc: RTCPeerConnection;
  readonly #kernel: ClipSource;
  readonly #signal: AbortSignal;
  #context: AudioContext | undefined;
  /** What ends each track that was opened here. */
  readonly #opened = new Map<MediaStreamTrack, AbortController>();

  constructor(pc: RTCPeerConnection, kernel: ClipSource, signal: AbortSignal) {
    this.#pc = pc;
    this.#kernel = kernel;
    this.#signal = signal;
  }

  /**
   * Opens a source; `use` gives its track to the connection. If that fails, the source is closed again.
   *
   * @param cancelled closes the source at any time, and takes its track back from the connection
   */
  async open<T>(media: unknown, cancelled: AbortSignal, use: (track: MediaStreamTrack) => T | Promise<T>): Promise<T> {
    const life = new AbortController();
    const signal = AbortSignal.any([this.#signal, life.signal, cancelled]);
    try {
      // What comes after the signal closes itself.
      const track = await abortable(this.#trackOf(media, signal), signal);
      signal.throwIfAborted();
      signal.addEventListener("abort", () => this.#takeBack(track), { once: true });
      const used = await use(track);
      if (signal.aborted) this.#takeBack(track);
      signal.throwIfAborted();
      this.#opened.set(track, life);
      return used;
    } catch (error) {
      life.abort();
      throw error;
    }
  }

  /** Closes the sources that no sender uses any more: a microphone must not stay open for nobody. */
  closeUnused(): void {
    const sending = this.#pc.getTransceivers().filter(({ direction }) => direction !== "stopped");
    const used = new Set(sending.map(({ sender }) => sender.track));
    for (const [track, life] of this.#opened) {
      if (used.has(track)) continue;
      this.#opened.delete(track);
      life.abort();
    }
  }

  #takeBack(track: MediaStreamTrack): void {
    track.stop();
    if (this.#pc.signalingState === "closed") return;
    for (const sender of this.#pc.getSenders()) if (sender.track === track) this.#pc.removeTrack(sender);
  }

  async #trackOf(media: unknown, signal: AbortSignal): Promise<MediaStreamTrack> {
    const given: JsonObject = isRecord(media) ? media : {};
    switch (given.kind) {
      case "microphone": {
        const constraints = isRecord(given.constraints) ? camelCase(given.constraints) : {};
        const id = "deviceId" in constraints ? undefined : loadChoice("microphone")?.id;
        return openMicrophone({ ...CONSTRAINTS, ...constraints }, id, signal);
      }
      case "tone":
        return this.#tone(numberOr(given.hz, DEFAULT_HZ), numberOr(given.level, DEFAULT_LEVEL), signal);
      case "clip":
        if (!isText(given.clip))
          throw new TypeError(`clip must be the id of a clip, got ${JSON.stringify(given.clip)}`);
        return this.#clip(given.clip, signal);
      case "silence":
        return trackOf(this.#destination());
      default:
        throw new TypeError(
          `media must be of kind "microphone", "tone", "clip" or "silence", got ${JSON.stringify(media ?? null)}`,
        );
    }
  }

  #tone(hz: number, level: number, signal: AbortSignal): MediaStreamTrack {
    const destination = this.#destination();
    const tone = new OscillatorNode(destination.context, { frequency: hz });
    const volume = new GainNode(destination.context, { gain: level });
    tone.connect(volume).connect(destination);
    tone.start();
    signal.addEventListener("abort", () => tone.disconnect(), { once: true });
    return trackOf(destination);
  }

  /** A clip is played once, as soon as the other side can hear it. */
  async #clip(id: string, signal: AbortSignal): Promise<MediaStreamTrack> {
    const clip = await fetchClip(this.#kernel, id, signal);
    const player = new ClipPlayer(signal);
    await player.ready(signal);
    const play = () => {
      if (this.#pc.connectionState !== "connected") return;
      this.#pc.removeEventListener("connectionstatechange", play);
      player.play(clip, signal).catch(() => {}); // cut off with the peer
    };
    this.#pc.addEventListener("connectionstatechange", play, { signal });
    play();
    return player.track;
  }

  #destination(): MediaStreamAudioDestinationNode {
    this.#context ??= this.#openContext();
    return new MediaStreamAudioDestinationNode(this.#context, { channelCount: 1 });
  }

  #openContext(): AudioContext {
    const context = openContext();
    keepResuming(context, this.#signal);
    this.#signal.addEventListener("abort", () => void context.close(), { once: true });
    return context;
  }
}

function trackOf({ stream }: MediaStreamAudioDestinationNode): MediaStreamTrack {
  const [track] = stream.getAudioTracks();
  if (!track) throw new DOMException("The browser gives no audio track.", "NotSupportedError");
  return track;
}

function numberOr(value: unknown, fallback: number): number {
  return value === undefined || value === null ? fallback : Number(value);
}
