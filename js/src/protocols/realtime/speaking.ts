/** Who can be heard, by what the server says of the two sound buffers. */

export interface Speaking {
  readonly user: boolean;
  readonly assistant: boolean;
}

export const SILENCE: Speaking = { user: false, assistant: false };

export function listenFor(event: Readonly<Record<string, unknown>>, before: Speaking): Speaking {
  switch (event.type) {
    case "input_audio_buffer.speech_started":
      return { ...before, user: true };
    case "input_audio_buffer.speech_stopped":
    // Where the turn ends by hand no `speech_stopped` comes.
    case "input_audio_buffer.committed":
    case "input_audio_buffer.cleared":
      return { ...before, user: false };
    case "output_audio_buffer.started":
      return { ...before, assistant: true };
    case "output_audio_buffer.stopped":
    case "output_audio_buffer.cleared":
      return { ...before, assistant: false };
    default:
      return before;
  }
}
