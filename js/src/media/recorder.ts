/** Records what is sent and what comes from the other side, while Python wants it and there is a call. */

import type { AudioChunk } from "../comm/media_outbox";
import { isSilent } from "../comm/pcm";
import type { Track } from "../comm/protocol";
import { asRtcWidgetError, pageError, type RtcWidgetError } from "../errors";
import { RecordingGraph } from "./recording_graph";

type Tracks = Readonly<Record<Track, MediaStreamTrack | null>>;

const NOBODY: Tracks = { user: null, assistant: null };

export class Recorder {
  readonly #take: (sound: AudioChunk) => void;
  readonly #onFailure: (error: RtcWidgetError) => void;
  #isOn = false;
  #attempt: string | undefined;
  #tracks = NOBODY;
  #rate: "wanted" | "own" = "wanted";
  #graph: Promise<RecordingGraph> | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(take: (sound: AudioChunk) => void, onFailure: (error: RtcWidgetError) => void) {
    this.#take = take;
    this.#onFailure = onFailure;
  }

  setOn(on: boolean): void {
    this.#isOn = on;
    this.#update();
  }

  /** A connection is being made; what `hear` is given from now on is part of it. */
  begin(attempt: string): void {
    this.end();
    // What went wrong with the recording before is no matter of this one's.
    this.#ending = this.#ending.catch(() => {});
    this.#attempt = attempt;
    this.#update();
  }

  hear(side: Track, track: MediaStreamTrack | null): void {
    this.#tracks = { ...this.#tracks, [side]: track };
    const graph = this.#graph;
    graph?.then(
      (opened) => this.#listen(graph, opened),
      () => {}, // told when it was opened
    );
  }

  end(): void {
    this.#attempt = undefined;
    this.#tracks = NOBODY;
    this.#update();
  }

  /** Resolves when all that was heard so far has been handed over; rejects if nothing can be heard, or could be. */
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
    const graph = RecordingGraph.open((rate, atMs, sides) => {
      for (const track of ["user", "assistant"] as const) {
        const samples = sides[track];
        // A gap reads as silence on the other end, so silence need not travel.
        if (!isSilent(samples)) this.#take({ attempt, track, rate, atMs, samples });
      }
    }, this.#rate);
    this.#graph = graph;
    graph.then(
      (opened) => this.#listen(graph, opened),
      (error: unknown) => this.#onFailure(asRtcWidgetError(error)),
    );
  }

  /** Lets the graph hear what there is now; one that has been stopped meanwhile hears nothing. */
  #listen(graph: Promise<RecordingGraph>, opened: RecordingGraph): void {
    if (this.#graph !== graph) return;
    try {
      opened.listenTo(this.#tracks);
    } catch (error) {
      const isRate = error instanceof DOMException && error.name === "NotSupportedError";
      if (isRate && this.#rate === "wanted") this.#startAtOwnRate();
      else this.#onFailure(pageError("recording_unavailable", { cause: error }));
    }
  }

  #startAtOwnRate(): void {
    this.#rate = "own";
    this.#stop();
    this.#update();
  }

  #stop(): void {
    const graph = this.#graph;
    if (!graph) return;
    this.#graph = undefined;
    // Whoever flushes is told why there is nothing; a page in which nobody does needs no alarm.
    this.#ending = graph.then((opened) => opened.close());
    this.#ending.catch(() => {});
  }
}
