/** The header: the state of the connection, the server, and the buttons. */

import type { CallState } from "../comm/protocol";
import type { Store } from "../store";
import { MicrophoneIcon, SlidersIcon } from "./icons";

const CONNECTION_LABELS: Readonly<Record<RTCPeerConnectionState, string>> = {
  new: "Initializing",
  connecting: "Connecting",
  connected: "Connected",
  disconnected: "Reconnecting",
  failed: "Connection failed",
  closed: "Disconnected",
};

const NO_KERNEL = "This widget has lost its kernel. Run its cell again.";

type IndicatorTone = "off" | "busy" | "on" | "bad";

export function Header({ store }: { store: Store }) {
  return (
    <header class="rtc-header">
      <Indicator store={store} />
      <div class="rtc-controls">
        <DevicesButton store={store} />
        <MuteButton store={store} />
        <CallButton store={store} />
      </div>
      <Progress store={store} />
    </header>
  );
}

function Indicator({ store }: { store: Store }) {
  const state = store.state.value;
  const server = store.server.value;
  const { user, assistant } = store.speaking.value;
  return (
    <div class="rtc-indicator" data-tone={toneOf(state)}>
      <div class="rtc-status">
        <span class="rtc-dot" aria-hidden="true" />
        <span class="rtc-connection" role="status">
          {connectionLabel(state)}
        </span>
      </div>
      <div class="rtc-details">
        {state.status === "connecting" && <span class="rtc-ice">ICE {state.ice_connection_state}</span>}
        {server !== "" && (
          <span class="rtc-server" title={server}>
            {server}
          </span>
        )}
        {state.receive_only && state.status === "connected" && <span class="rtc-server">No microphone</span>}
        {user && <SpeakingIndicator speaker="user" label="You are speaking" />}
        {assistant && <SpeakingIndicator speaker="assistant" label="The assistant is speaking" />}
      </div>
    </div>
  );
}

function SpeakingIndicator({ speaker, label }: { speaker: "user" | "assistant"; label: string }) {
  return (
    <span class="rtc-speaking" data-speaking={speaker} role="img" aria-label={label} title={label}>
      <i />
      <i />
      <i />
    </span>
  );
}

function DevicesButton({ store }: { store: Store }) {
  const isOpen = store.showsDevices.value;
  return (
    <button
      type="button"
      class="rtc-button rtc-icon-button rtc-quiet"
      data-action="devices"
      aria-expanded={isOpen}
      aria-label="Microphone and speaker"
      title="Microphone and speaker"
      onClick={() => {
        store.showsDevices.value = !isOpen;
      }}
    >
      <SlidersIcon />
    </button>
  );
}

function MuteButton({ store }: { store: Store }) {
  const { muted, receive_only } = store.state.value;
  if (store.isFollowing.value) return null; // the other page has the microphone
  const label = muted ? "Unmute the microphone" : "Mute the microphone";
  return (
    <button
      type="button"
      class="rtc-button rtc-icon-button"
      data-action="mute"
      aria-pressed={muted}
      aria-label="Mute the microphone"
      title={label}
      disabled={store.isKernelDead.value || receive_only}
      onClick={store.toggleMute}
    >
      <MicrophoneIcon isMuted={muted} />
    </button>
  );
}

function CallButton({ store }: { store: Store }) {
  const { status } = store.state.value;
  if (store.isFollowing.value) {
    return (
      <button
        type="button"
        class="rtc-button rtc-primary"
        data-action="take-over"
        onClick={ignoringDoubleClicks(() => store.connect())}
      >
        Take over here
      </button>
    );
  }
  if (status === "idle" || status === "error") {
    return (
      <button
        type="button"
        class="rtc-button rtc-primary"
        data-action="connect"
        disabled={store.isKernelDead.value || !store.canCall.value}
        onClick={ignoringDoubleClicks(() => store.connect())}
      >
        Connect
      </button>
    );
  }
  return (
    <button type="button" class="rtc-button" data-action="disconnect" onClick={ignoringDoubleClicks(store.disconnect)}>
      {status === "connecting" ? "Cancel" : "Disconnect"}
    </button>
  );
}

/** The second click of a double click would hit the button that has replaced the first one. */
function ignoringDoubleClicks(act: () => void): (event: MouseEvent) => void {
  return ({ detail }) => {
    if (detail <= 1) act();
  };
}

/** What the page is waiting for, or what a person should do. */
function Progress({ store }: { store: Store }) {
  const isKernelDead = store.isKernelDead.value;
  const elsewhere = store.isFollowing.value ? "The call is in another window; this view follows it." : "";
  // If a call ended with the kernel, the error banner says so.
  const noKernel = store.problem.value?.code === "kernel_died" ? "" : NO_KERNEL;
  const text = isKernelDead ? noKernel : store.progress.value || elsewhere;
  return (
    <>
      <p class="rtc-progress" role="status" hidden={text === ""}>
        {text}
      </p>
      {store.isAudioBlocked.value && (
        <button
          type="button"
          class="rtc-button rtc-primary rtc-resume-audio"
          data-action="resume-audio"
          onClick={store.resumeAudio}
        >
          Click to play audio
        </button>
      )}
    </>
  );
}

function connectionLabel({ status, connection_state, error }: CallState): string {
  if (status === "idle") return "Disconnected";
  if (status === "reconnecting") return CONNECTION_LABELS.disconnected;
  if (status === "error") return isLostConnection(error?.code) ? CONNECTION_LABELS.failed : CONNECTION_LABELS.closed;
  // The data channel opens a moment after the connection; the call is usable only then.
  if (status === "connecting" && connection_state === "connected") return CONNECTION_LABELS.connecting;
  return CONNECTION_LABELS[connection_state];
}

function toneOf({ status }: CallState): IndicatorTone {
  if (status === "connecting" || status === "reconnecting") return "busy";
  if (status === "connected") return "on";
  return status === "error" ? "bad" : "off";
}

function isLostConnection(code: string | undefined): boolean {
  return code === "connection_failed" || code === "channel_timeout" || code === "reconnect_failed";
}
