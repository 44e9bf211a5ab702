/** Everything that belongs to one model on one page: its call, its messages, its loudspeaker, and when they end. */

import { Bridge, type Model, type Result } from "./bridge";
import { Call } from "./call";
import { pageError } from "./errors";
import { watchPermission } from "./microphone";
import { Outbox } from "./outbox";
import type { CallState, Direction, KernelRequest } from "./protocol";
import { Speaker } from "./speaker";
import { StateReport } from "./state_report";

/** Whoever shows the session. */
export interface SessionListener {
  onState(state: CallState): void;
  onEvent(attempt: string, direction: Direction, text: string): void;
  onSlowKernel(slow: boolean): void;
  onKernelGone(gone: boolean): void;
  onAudioBlocked(blocked: boolean): void;
}

export interface Session {
  readonly call: Call;
  readonly speaker: Speaker;
}

/** Opens the session of a model; it ends with the signal. Short and synchronous, for anywidget's `initialize` must be. */
export function openSession(model: Model, signal: AbortSignal, listener: SessionListener): Session {
  const bridge = new Bridge(model);
  const outbox = new Outbox((batch) => bridge.send(batch));
  const speaker = new Speaker((blocked) => listener.onAudioBlocked(blocked));
  const call = new Call(bridge, {
    onState(after, before) {
      if (bridge.isWelcomed) report.onChange(after, before);
      listener.onState(after);
    },
    onEvent(attempt, direction, text) {
      outbox.add(attempt, direction, text);
      listener.onEvent(attempt, direction, text);
    },
    onRemoteAudio: (stream) => void speaker.play(stream),
    onEnd: () => speaker.stop(),
  });
  const report = new StateReport(
    () => ({ attempt: call.attemptId, state: call.state }),
    (snapshot) => bridge.send(snapshot),
  );
  const open = () =>
    bridge.open({
      onWelcome: () => report.send(),
      onProtocolMismatch: () => call.noteError(pageError("protocol_mismatch")),
      onRequest: (request) => obey(call, request),
      onAck: (next) => outbox.acknowledge(next),
      onResend: (first) => outbox.resendFrom(first),
      onSlowKernel: (slow) => listener.onSlowKernel(slow),
    });

  open();
  void watchPermission((permission) => call.notePermission(permission), signal);

  // A restarted kernel knows nothing of this model any more; anywidget reports it by this event alone.
  const onKernelRestart = () => {
    bridge.close();
    call.disconnect();
    listener.onKernelGone(true);
  };
  model.on("comm_live_update", onKernelRestart);
  signal.addEventListener("abort", () => {
    bridge.close();
    call.disconnect();
    outbox.close();
    speaker.remove();
    model.off("comm_live_update", onKernelRestart);
  });
  // The page goes away: hang up while it still can speak. It may come back from the browser's cache.
  const leave = () => {
    call.disconnect();
    bridge.close();
  };
  const comeBack = ({ persisted }: PageTransitionEvent) => persisted && open();
  addEventListener("pagehide", leave, { signal });
  addEventListener("pageshow", comeBack, { signal });
  return { call, speaker };
}

async function obey(call: Call, request: KernelRequest): Promise<Result> {
  switch (request.type) {
    case "connect":
      return { attempt: await call.connect() };
    case "disconnect":
      call.disconnect();
      return {};
    case "send":
      call.send(request.events);
      return {};
    case "mute":
      call.mute(request.muted);
      return {};
  }
}
