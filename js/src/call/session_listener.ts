/** What a session reports. */

import type { HistoryListener } from "../comm/history";
import type { StatsSample } from "../comm/media_outbox";
import type { ApprovalRequest, CallState, Device } from "../comm/protocol";
import type { ChannelEvent, Fact, MeasuredEvent } from "../conversation/facts";
import type { Conversation } from "../conversation/transcript";
import type { ErrorReport } from "../errors";
import type { Recovery } from "./call_machine";
import type { PushToTalkState } from "./push_to_talk";

/** What the store does when the session changes. */
export interface SessionListener extends HistoryListener {
  /** The kernel has greeted this page: its traits are current, and not those of a saved notebook. */
  onWelcome(): void;
  onState(state: CallState): void;
  /** How a lost connection is being replaced; null when it is not. */
  onRecovery(recovery: Recovery | null): void;
  /** A new sample of the statistics; undefined: the call is over. */
  onStats(sample: StatsSample | undefined): void;
  /** An event of this page's call, and the facts in it where it was received. */
  onEvent(event: ChannelEvent, facts: readonly Fact[]): void;
  /** What the measured sound of this page's call means. */
  onMeasured(attempt: string, event: MeasuredEvent, facts: readonly Fact[]): void;
  /** A call is established. Returns the conversation that it belongs to. */
  onOpen(attempt: string, resumes: boolean): Conversation;
  onDevices(devices: readonly Device[]): void;
  onSlowKernel(slow: boolean): void;
  onKernelDied(): void;
  onAudioBlocked(blocked: boolean): void;
  /** Asks whether the model may call this function; resolves with the person's decision. */
  onApproval(question: ApprovalRequest): Promise<boolean>;
  /** An error that does not end the call, or a message of the user's Python code. */
  onNote(note: ErrorReport): void;
  onPushToTalk(state: PushToTalkState): void;
  /** Whether the browser is opening a microphone. */
  onMicrophoneRequest(isPending: boolean): void;
}
