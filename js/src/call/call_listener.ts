/** What a call reports. */

import type { CallState, Direction } from "../comm/protocol";
import type { RtcWidgetError } from "../errors";
import type { Attempt } from "./attempt";
import type { Recovery } from "./call_machine";

export interface CallListener {
  onState(state: CallState, before: CallState): void;
  onEvent(attempt: string, direction: Direction, text: string): void;
  /** The same for a call that has ended, whose session the server still closes. */
  onLateEvent(attempt: string, direction: Direction, text: string): void;
  onRemoteAudio(stream: MediaStream): void;
  /** This track is sent from now on; null: none. */
  onSentTrack(track: MediaStreamTrack | null): void;
  /** A call is established; `resumes` when it continues an earlier one. */
  onOpen(attempt: string, resumes: boolean): void;
  onAttempt(attempt: Attempt): void;
  onRecovery(recovery: Recovery | null): void;
  /** Resolves when the conversation that a call continues is known, as far as it will be known in time. */
  untilHistory(): Promise<void>;
  /** Whether the browser is opening a microphone. */
  onMicrophoneRequest(isPending: boolean): void;
  /** An error that does not end the call. */
  onNonFatalError(error: RtcWidgetError): void;
  onEnd(): void;
}
