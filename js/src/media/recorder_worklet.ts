/** The worklet that records a call on the audio thread. Its source is a string, because worklets are loaded from a URL. */

export const PROCESSOR = "rtc-widget-recorder";

/** What the processor posts: simultaneous samples of both tracks, from this frame of the context on. */
export interface CapturedAudio {
  readonly frame: number;
  readonly user: Int16Array<ArrayBuffer>;
  readonly assistant: Int16Array<ArrayBuffer>;
  /** The last samples before the requested flush. */
  readonly isLast?: boolean;
}

/** 1,024 frames are 43 ms at 24 kHz: few messages, and frequent readings of the time. */
const SOURCE = `
const FRAMES = 1024;
registerProcessor(${JSON.stringify(PROCESSOR)}, class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.begin();
    this.port.onmessage = ({ data }) => {
      if (data === "flush") this.post(true);
      if (data === "stop") this.isOver = true;
    };
  }
  begin() {
    this.tracks = [new Int16Array(FRAMES), new Int16Array(FRAMES)];
    this.filled = 0;
  }
  process(inputs) {
    if (this.isOver) return false;
    if (this.filled === 0) this.frame = currentFrame;
    let length = 128;
    for (const channels of inputs) if (channels[0]) length = channels[0].length;
    this.tracks.forEach((track, index) => {
      const channels = inputs[index] ?? [];
      for (let at = 0; at < length && channels.length > 0; at++) {
        let sum = 0;
        for (const channel of channels) sum += channel[at];
        const sample = Math.round((sum / channels.length) * 32768);
        track[this.filled + at] = sample > 32767 ? 32767 : sample < -32768 ? -32768 : sample;
      }
    });
    this.filled += length;
    if (this.filled + length > FRAMES) this.post(false);
    return true;
  }
  post(isLast) {
    const [user, assistant] = this.tracks.map((track) => track.slice(0, this.filled));
    this.port.postMessage({ frame: this.frame ?? 0, user, assistant, isLast }, [user.buffer, assistant.buffer]);
    this.begin();
  }
});
`;

/** Loads the processor into a context; from the URL of a Blob, because the widget is one file. */
export async function loadRecorderWorklet(context: BaseAudioContext): Promise<void> {
  const url = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
