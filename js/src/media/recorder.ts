/** Records the sent and the received track while Python has recording on and there is a call. */

import type { AudioChunk } from "../comm/media_outbox";
import { isSilent } from "../comm/pcm";
import type { Track } from "../comm/protocol";
import { asRtcWidgetError, pageError, type RtcWidgetError } from "../errors";
import { RecordingGraph } from "./recording_graph";

type RecordedTracks = Readonly<Record<Track, MediaStreamTrack | null>>;

const NO_TRACKS: RecordedTracks = { user: null, assistant: null };

export class Recorder {
  readonly #onAudio: (audio: AudioChunk) => void;
  readonly #onFailure: (error: RtcWidgetError) => void;
  #isOn = false;
  #attempt: string | undefined;
  #tracks = NO_TRACKS;
  #rate: "default" | "browser" = "default";
  #graph: Promise<RecordingGraph> | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(onAudio: (audio: AudioChunk) => void, onFailure: (error: RtcWidgetError) => void) {
    this.#onAudio = onAudio;
    this.#onFailure = onFailure;
  }

  setOn(on: boolean): void {
    this.#isOn = on;
    this.#update();
  }

  /** An attempt begins; tracks that are set from now on belong to it. */
  begin(attempt: string): void {
    this.end();
    // Errors of the recording before this one do not concern it.
    this.#ending = this.#ending.catch(() => {});
    this.#attempt = attempt;
    this.#update();
  }

  setTrack(side: Track, track: MediaStreamTrack | null): void {
    this.#tracks = { ...this.#tracks, [side]: track };
    const graph = this.#graph;
    graph?.then(
      (opened) => this.#setTracks(graph, opened),
      () => {}, // reported when it was opened
    );
  }

  end(): void {
    this.#attempt = undefined;
    this.#tracks = NO_TRACKS;
    this.#update();
  }

  /** Resolves when all audio recorded so far has been delivered; rejects if nothing can be recorded. */
  async flush(): Promise<void> {
    const graph = await this.#graph;
    await graph?.flush();
    await this.#ending;
  }

  #update(): void {
    const attempt = this.#attempt;
    if (!this.#isOn || attempt === undefined) this.#stop();
    else if (!this.#graph) this.#start(attempt);
  }

  #start(attempt: string): void {
    const graph = RecordingGraph.open((rate, atMs, samplesOf) => {
      for (const track of ["user", "assistant"] as const) {
        const samples = samplesOf[track];
        // The kernel reads a gap as silence, so silence need not be sent.
        if (!isSilent(samples)) this.#onAudio({ attempt, track, rate, atMs, samples });
      }
    }, this.#rate);
    this.#graph = graph;
    graph.then(
      (opened) => this.#setTracks(graph, opened),
      (error: unknown) => this.#onFailure(asRtcWidgetError(error)),
    );
  }

  /** Gives the graph the current tracks, unless it has been stopped meanwhile. */
  #setTracks(graph: Promise<RecordingGraph>, opened: RecordingGraph): void {
    if (this.#graph !== graph) return;
    try {
      opened.setTracks(this.#tracks);
    } catch (error) {
      const isWrongRate = error instanceof DOMException && error.name === "NotSupportedError";
      if (isWrongRate && this.#rate === "default") this.#restartAtBrowserRate();
      else this.#onFailure(pageError("recording_unavailable", { cause: error }));
    }
  }

  #restartAtBrowserRate(): void {
    this.#rate = "browser";
    this.#stop();
    this.#update();
  }

  #stop(): void {
    const graph = this.#graph;
    if (!graph) return;
    this.#graph = undefined;
    // `flush` reports an error of the recording; without a flush nobody needs it.
    this.#ending = graph.then((opened) => opened.close());
    this.#ending.catch(() => {});
  }
}
