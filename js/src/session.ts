/** What belongs to one model on one page: its call, its messages and its loudspeaker. They end with the model's signal. */

import { within } from "./async";
import type { Attempt } from "./call/attempt";
import { Call } from "./call/call";
import { CallSound } from "./call/call_sound";
import { type Diagnosis, diagnose } from "./call/diagnosis";
import { HeardUntil } from "./call/heard_until";
import { Interruption } from "./call/interruption";
import { CallLimits } from "./call/limits";
import { PushToTalk } from "./call/push_to_talk";
import { Resumption, tooLargeToCarry } from "./call/resumption";
import { SessionExpiry } from "./call/session_expiry";
import type { SessionListener } from "./call/session_listener";
import { StatsSampler } from "./call/stats";
import { Bridge, type Result } from "./comm/bridge";
import { EventOutbox } from "./comm/event_outbox";
import { type HistoryListener, HistoryReader } from "./comm/history";
import { KernelLiveness } from "./comm/kernel_liveness";
import { MediaOutbox } from "./comm/media_outbox";
import type { Model } from "./comm/model";
import {
  type CallMessages,
  type Device,
  decodeCallMessage,
  decodeExplainedLines,
  decodePreparation,
  type ExplainedLine,
  isCalling,
  type KernelRequest,
} from "./comm/protocol";
import { maxReplyDelayMs, StateReport } from "./comm/state_report";
import { channelEvent } from "./conversation/facts";
import { asRtcWidgetError, pageError, textOf } from "./errors";
import type { JsonObject } from "./json";
import { findDevice, isSource, listDevices, watchDevices } from "./media/devices";
import { LevelMeter } from "./media/level_meter";
import { Microphone, watchPermission } from "./media/microphone";
import { Recorder } from "./media/recorder";
import { Speaker } from "./media/speaker";
import type { TurnSender, VoiceProtocol, Watch } from "./protocols/base";
import { readSettings } from "./settings";

/** The kernel waits for ten seconds; the reply comes before that. */
const FLUSH_LIMIT_MS = 7_000;
/** How long statistics may wait for others to travel with while nobody listens. */
const COLLECTING_MS = 2_000;

/** A call that continues another waits so long for the kernel's history; then it begins with what there is of it. */
const HISTORY_WAIT_MS = 5_000;

/** A cell may keep the kernel busy. */
const EXPLAIN_LIMIT_MS = 20_000;
/** A kernel that is busy makes a change later, so a change that is given up early may still be made. */
const CHANGE_LIMIT_MS = 600_000;
const CHANGE_LATE_HINT = "A cell may be running; the change may still be made when it has ended.";

const NO_MICROPHONE_HINT =
  "Python made this widget without a microphone (microphone=…). Your choice is kept for other widgets.";

/** SDP texts; empty before they are set. */
export interface Descriptions {
  readonly offer: string;
  readonly answer: string;
}

export interface Session {
  /** The id of this page, by which the kernel names the page with the call. */
  readonly page: string;
  readonly call: Call;
  readonly speaker: Speaker;
  readonly microphone: Microphone;
  readonly limits: CallLimits;
  readonly history: HistoryReader;
  /** Until when the audio of the last call was heard, on the page's time base; undefined before its end. */
  readonly heardUntilMs: number | undefined;
  /** Resolves when the kernel has all audio recorded so far. */
  flushAudio(): Promise<void>;
  readonly pushToTalk: PushToTalk;
  readonly interruption: Interruption;
  readonly levels: LevelMeter;
  readonly sound: CallSound;
  diagnose(): Promise<Diagnosis>;
  /** The offer and the answer of the last call. */
  readonly descriptions: Descriptions;
  /** Asks the kernel what the lines of an offer or an answer mean. */
  explainSdp(sdp: string): Promise<readonly ExplainedLine[]>;
  /** Asks the kernel to change settings of the session, as Python does; resolves when the server has confirmed them. */
  updateSession(settings: JsonObject): Promise<void>;
  /** Asks the kernel to set whether a written message interrupts the voice. */
  setTextInterrupts(interrupts: boolean): Promise<void>;
  useDevice(kind: Device["kind"], device: Device | undefined): Promise<void>;
}

/** Opens the session of a model; it ends with the signal. Short and synchronous, as anywidget's `initialize` must be. */
export function openSession(
  model: Model,
  protocol: VoiceProtocol,
  signal: AbortSignal,
  listener: SessionListener,
): Session {
  const settings = () => readSettings(model);
  const bridge = new Bridge<CallMessages>(model, decodeCallMessage);
  const outbox = new EventOutbox((batch) => bridge.send(batch));
  const own: string[] = [];
  const resumption = new Resumption(protocol);
  const historyListener: HistoryListener = {
    onHistory(page) {
      resumption.recordHistory(page);
      listener.onHistory(page);
    },
    onFollowed(page) {
      resumption.recordFollowed(page);
      listener.onFollowed(page);
    },
  };
  const history = new HistoryReader(bridge, () => own, historyListener, signal);
  const speaker = new Speaker((blocked) => listener.onAudioBlocked(blocked));
  const microphone = new Microphone();
  const call = new Call(bridge, microphone, settings, {
    onState(after, before) {
      hearing.onState(after, before);
      const isNow = isCalling(after.status);
      limits.setCalling(isNow);
      if (isNow !== isCalling(before.status)) kernelLiveness.setWatching(isNow);
      // The browser reveals the names of the devices once the microphone is permitted.
      if (after.microphone_permission !== before.microphone_permission) refreshDevices();
      // The kernel closes its event streams with the call, so the last events must arrive before.
      if (after.status !== before.status) outbox.flush();
      if (bridge.isWelcomed) report.onChange(after, before);
      listener.onState(after);
    },
    onEvent(attempt, direction, text) {
      outbox.record(attempt, direction, text);
      if (direction === "sent" && !sendsFirst) resumption.recordSent(text);
      const event = channelEvent(attempt, direction, text);
      const facts = direction === "received" && event.json ? protocol.factsOf(event.json) : [];
      for (const fact of facts) {
        pushToTalk.apply(fact);
        interruption.apply(fact);
      }
      listener.onEvent(event, facts);
      if (event.json) for (const one of watches) one[direction](event.json);
      if (direction === "received" && event.json) sound.consume(event.json, facts);
      // A person reads the response in Python as soon as it has ended here.
      if (facts.some(({ type }) => type === "response_ended")) outbox.flush();
      // Last, since a fact may end the call.
      for (const fact of facts) {
        expiry.apply(fact);
        call.apply(fact);
      }
    },
    onLateEvent(attempt, direction, text) {
      outbox.record(attempt, direction, text);
      listener.onEvent(channelEvent(attempt, direction, text), []);
    },
    onOpen(attempt, resumes) {
      own.push(attempt);
      const peer = call.attempt?.peer;
      if (peer) stats.start(attempt, peer);
      const conversation = listener.onOpen(attempt, resumes);
      turnSender = protocol.turnSender?.((texts) => call.send(texts));
      const watch = protocol.clockWatch?.(() => call.warn(pageError("input_audio_missing")));
      watches = [watch, turnSender].filter((one) => one !== undefined);
      sendFirst(call.attempt?.firstMessages ?? []);
      const groups = resumption.begin(resumes, conversation);
      const sendable = groups.filter((events) => events.every((event) => call.canSend(event)));
      if (sendable.length < groups.length) listener.onNote(tooLargeToCarry(groups.length - sendable.length).toWire());
      if (sendable.length > 0) call.send(sendable.flat());
    },
    untilHistory: () => within(HISTORY_WAIT_MS, history.complete, () => undefined),
    onRecovery: (recovery) => listener.onRecovery(recovery),
    onMicrophoneRequest: (isPending) => listener.onMicrophoneRequest(isPending),
    onNonFatalError: (error) => listener.onNote(error.toWire()),
    onAttempt: (attempt) => {
      latest = attempt;
      sound.begin(attempt.id);
      recorder.begin(attempt.id);
    },
    onSentTrack: (track) => {
      levels.setTracks({ user: track });
      recorder.setTrack("user", track);
    },
    onRemoteAudio: (stream) => {
      void speaker.play(stream);
      const track = stream.getAudioTracks()[0] ?? null;
      sound.listen(stream);
      levels.setTracks({ assistant: track });
      recorder.setTrack("assistant", track);
    },
    onEnd: () => {
      pushToTalk.end();
      interruption.end();
      levels.setTracks({ user: null, assistant: null });
      listener.onStats(undefined);
      sound.end();
      for (const one of watches) one.end();
      watches = [];
      expiry.end();
      stats.stop();
      recorder.end();
      speaker.stop();
    },
  });
  // Not kept as changes of the session: a call that continues this one gets its own from the kernel.
  let sendsFirst = false;
  const sendFirst = (texts: readonly string[]) => {
    if (texts.length === 0) return;
    sendsFirst = true;
    try {
      call.send(texts);
    } catch (error) {
      listener.onNote(asRtcWidgetError(error).toWire());
    } finally {
      sendsFirst = false;
    }
  };
  // A call that may not last as long as its session needs no other session.
  const expiry = new SessionExpiry((expiresAt) => limits.endsAt > expiresAt && call.replace());
  const pushToTalk = new PushToTalk(protocol, {
    send: (texts) => call.send(texts),
    setHeldBack: (isHeldBack) => microphone.setHeldBack(isHeldBack),
    onChange: (state) => listener.onPushToTalk(state),
  });
  const interruption = new Interruption(
    protocol,
    (texts) => call.send(texts),
    () => sound.silence(),
    (texts) => (turnSender ? turnSender.sendTurn(texts) : call.send(texts)),
  );
  const levels = new LevelMeter();
  let isListenedTo = true;
  const media = new MediaOutbox((message) => {
    if (message.type === "audio" || isListenedTo) bridge.send(message);
    else bridge.sendWithin(COLLECTING_MS, message);
  });
  const sound = new CallSound(protocol, {
    onChange(attempt, { isAudible, atMs }) {
      outbox.flush(); // the kernel must know the response first
      bridge.send({ type: "sound", attempt, speaker: "assistant", is_audible: isAudible, at_ms: atMs });
    },
    onMeasured(attempt, measured, facts) {
      for (const fact of facts) {
        pushToTalk.apply(fact);
        interruption.apply(fact);
        expiry.apply(fact);
      }
      listener.onMeasured(attempt, measured, facts);
    },
    setMuted: (muted) => {
      speaker.muted = muted;
    },
  });
  let turnSender: TurnSender | undefined;
  /** Those of the present call. */
  let watches: readonly Watch[] = [];
  const recorder = new Recorder(
    (audio) => media.addAudio(audio),
    (error) => listener.onNote(error.toWire()),
  );
  const stats = new StatsSampler(
    () => settings().statsIntervalMs,
    (sample) => {
      media.addStats(sample);
      listener.onStats(sample);
    },
  );
  const applySettings = () => {
    recorder.setOn(settings().record);
    stats.update();
  };
  let latest: Attempt | undefined;
  const hearing = new HeardUntil(() => call.attempt?.peer?.lastAudioMs);
  const limits = new CallLimits(settings, (error) => call.finish(error));
  const report = new StateReport(
    () => ({
      attempt: call.attemptId,
      resumes: call.resumes,
      heard_until_ms: hearing.untilMs ?? null,
      state: call.state,
    }),
    (snapshot, limitMs) => (limitMs === undefined ? bridge.send(snapshot) : bridge.sendWithin(limitMs, snapshot)),
  );
  const kernelLife = new AbortController();
  const untilKernelDies = AbortSignal.any([signal, kernelLife.signal]);
  const change = async (message: Parameters<typeof bridge.request>[0]) => {
    try {
      await bridge.request(message, { signal: untilKernelDies, limitMs: CHANGE_LIMIT_MS });
    } catch (thrown) {
      const error = asRtcWidgetError(thrown);
      throw error.code === "kernel_timeout" ? pageError("kernel_timeout", { hint: CHANGE_LATE_HINT }) : error;
    }
  };
  // A kernel that was restarted or has died does not know this model any more.
  const kernelLiveness = new KernelLiveness(
    model,
    () => {
      bridge.close();
      kernelLife.abort(pageError("kernel_died"));
      // A call that is over may have ended for another reason.
      const isOver = call.state.status === "error";
      call.finish(pageError("kernel_died", isOver ? { message: textOf("kernel_gone") } : {}));
      listener.onKernelDied();
    },
    signal,
  );
  const refreshDevices = watchDevices((devices) => listener.onDevices(devices), signal);
  const session: Session = {
    get heardUntilMs() {
      return hearing.untilMs;
    },
    page: bridge.page,
    history,
    call,
    speaker,
    microphone,
    limits,
    async flushAudio() {
      await recorder.flush();
      await media.emptied(FLUSH_LIMIT_MS);
    },
    pushToTalk,
    interruption,
    levels,
    sound,
    async diagnose() {
      const microphones = (await listDevices()).filter(({ kind }) => kind === "microphone").length;
      await call.attempt?.peer?.candidatePairs.sample();
      return diagnose(call.state, microphones, latest?.progress);
    },
    get descriptions() {
      const { offer = "", answer = "" } = latest?.progress.peer ?? {};
      return { offer, answer };
    },
    async explainSdp(sdp) {
      const how = { signal, limitMs: EXPLAIN_LIMIT_MS, isBackground: true };
      return decodeExplainedLines(await bridge.request({ type: "explain_sdp", sdp }, how));
    },
    async updateSession(settings) {
      await change({ type: "update_session", settings });
    },
    async setTextInterrupts(interrupts) {
      await change({ type: "change_settings", text_interrupts: interrupts });
    },
    async useDevice(kind, device) {
      if (kind === "speaker") return speaker.choose(device);
      microphone.choose(device);
      if (call.attempt?.canSwitchMicrophone === false) {
        const isWanted = settings().microphone === true;
        listener.onNote(pageError("receive_only", isWanted ? {} : { hint: NO_MICROPHONE_HINT }).toWire());
      }
      await call.attempt?.switchMicrophone();
      refreshDevices();
    },
  };
  const open = () =>
    bridge.open({
      onWelcome: () => {
        listener.onWelcome();
        report.send();
        history.begin();
      },
      onProtocolMismatch: () => call.fail(pageError("protocol_mismatch")),
      onRequest: (request) => handleRequest(session, request, listener),
      replySeq: () => {
        report.flush();
        return report.seq;
      },
      onAck: (next) => outbox.acknowledge(next),
      onResend: (first) => outbox.resendFrom(first),
      onNotice: (notice) => {
        switch (notice.type) {
          case "log_grew":
            history.logGrew(notice.next);
            break;
          case "media_ack":
            media.acknowledge(notice.next, notice.missing);
            break;
          case "listening":
            isListenedTo = notice.on;
            outbox.setListenedTo(isListenedTo);
            if (isListenedTo) bridge.flush();
            break;
          case "preparation":
            call.setPreparation(decodePreparation(notice.preparation));
        }
      },
      onAlive: () => kernelLiveness.recordAlive(),
      maxPongDelayMs: () => maxReplyDelayMs(call.state),
      onSlowKernel: (slow) => listener.onSlowKernel(slow),
    });

  applySettings();
  model.on("change:settings", applySettings);
  open();
  void watchPermission((permission) => call.setPermission(permission), signal);
  // Hang up while messages can still be sent.
  const leave = () => {
    call.leave();
    bridge.send({ type: "goodbye" });
    bridge.close();
  };
  signal.addEventListener("abort", () => {
    model.off("change:settings", applySettings);
    leave();
    outbox.close();
    media.close();
    limits.stop();
    speaker.remove();
  });
  // A page that goes away may come back from the browser's cache.
  const reopen = ({ persisted }: PageTransitionEvent) => persisted && open();
  addEventListener("pagehide", leave, { signal });
  addEventListener("pageshow", reopen, { signal });
  return session;
}

async function handleRequest(session: Session, request: KernelRequest, listener: SessionListener): Promise<Result> {
  const { call } = session;
  switch (request.type) {
    case "connect": {
      const { microphone, resume } = request;
      return { attempt: await call.connect({ ...(microphone === null ? {} : { microphone }), resumes: resume }) };
    }
    case "disconnect":
      call.disconnect();
      return {};
    case "release_call":
      call.finish(pageError("call_taken_over"));
      return {};
    case "send":
      try {
        call.send(request.events);
      } catch (error) {
        // Shown on the page as well; Python gets it by the reply.
        listener.onNote(asRtcWidgetError(error).toWire());
        throw error;
      }
      return {};
    case "mute":
      call.mute(request.muted);
      return {};
    case "devices":
      return { devices: await describeDevices(session) };
    case "use_device": {
      const { device_kind: kind, device } = request;
      const found = device === null ? undefined : findDevice(await listDevices(), kind, device);
      await session.useDevice(kind, found);
      return { devices: await describeDevices(session) };
    }
    case "play_clip": {
      const { startMs, endMs } = await call.playClip(request.clip);
      return { start_ms: startMs, end_ms: endMs };
    }
    case "cancel_clip":
      call.cancelClip(request.clip);
      return {};
    case "flush_audio":
      await session.flushAudio();
      return {};
    case "silence_output":
      session.sound.silence();
      return {};
    case "diagnose":
      return { ...(await session.diagnose()) };
    case "approve":
      return { approved: await listener.onApproval(request) };
    case "note":
      listener.onNote({ code: request.code, message: request.message, hint: request.hint });
      return {};
    case "talk":
      if (request.on) session.pushToTalk.press();
      else session.pushToTalk.release();
      return {};
  }
}

async function describeDevices({ microphone, speaker }: Session): Promise<readonly object[]> {
  const chosen = { microphone: microphone.choice?.id, speaker: speaker.choice?.id };
  const liveTrack = microphone.track?.readyState === "live" ? microphone.track : undefined;
  return (await listDevices()).map((device) => ({
    ...device,
    chosen: device.id === chosen[device.kind],
    in_use: device.kind === "microphone" && liveTrack !== undefined && isSource(device, liveTrack),
  }));
}
