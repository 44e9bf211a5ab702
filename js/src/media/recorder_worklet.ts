/** The worklet that records a call on the audio thread. It is loaded as a text, because worklets are loaded from a URL. */

export const PROCESSOR = "rtc-widget-recorder";

/** What the processor posts: simultaneous samples of both tracks, from this frame of the context on. */
export interface CapturedAudio {
  readonly frame: number;
  readonly user: Int16Array<ArrayBuffer>;
  readonly assistant: Int16Array<ArrayBuffer>;
  /** The last samples before the requested flush. */
  readonly isLast?: boolean;
}

/** What there is on the audio thread (Web Audio API, `AudioWorkletGlobalScope`). */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare const currentFrame: number;

/** Runs on the audio thread, from its own text: it may use nothing of this module. */
function registerRecorder(name: string): void {
  /** 1,024 frames are 43 ms at 24 kHz: few messages, and frequent readings of the time. */
  const length = 1024;
  registerProcessor(
    name,
    class extends AudioWorkletProcessor {
      #tracks = [new Int16Array(length), new Int16Array(length)];
      #filled = 0;
      #frame = 0;
      #isOver = false;

      constructor() {
        super();
        this.port.onmessage = ({ data }) => {
          if (data === "flush") this.#post(true);
          if (data === "stop") this.#isOver = true;
        };
      }

      process(inputs: readonly (readonly Float32Array[])[]): boolean {
        if (this.#isOver) return false;
        if (this.#filled === 0) this.#frame = currentFrame;
        const frames = Math.max(...inputs.map(([channel]) => channel?.length ?? 0)) || 128;
        this.#tracks.forEach((track, index) => {
          const channels = inputs[index] ?? [];
          for (let at = 0; at < frames && channels.length > 0; at++) {
            let sum = 0;
            for (const channel of channels) sum += channel[at] ?? 0;
            const sample = Math.round((sum / channels.length) * 32_768);
            track[this.#filled + at] = Math.max(-32_768, Math.min(sample, 32_767));
          }
        });
        this.#filled += frames;
        if (this.#filled + frames > length) this.#post(false);
        return true;
      }

      #post(isLast: boolean): void {
        const [user, assistant] = this.#tracks.map((track) => track.slice(0, this.#filled));
        const transferred = [user?.buffer, assistant?.buffer] as ArrayBuffer[];
        this.port.postMessage({ frame: this.#frame, user, assistant, isLast }, transferred);
        this.#tracks = [new Int16Array(length), new Int16Array(length)];
        this.#filled = 0;
      }
    },
  );
}

const SOURCE = `(${registerRecorder})(${JSON.stringify(PROCESSOR)})`;

/** Loads the processor into a context; from the URL of a Blob, because the widget is one file. */
export async function loadRecorderWorklet(context: BaseAudioContext): Promise<void> {
  const url = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
