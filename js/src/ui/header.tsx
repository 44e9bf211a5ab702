/** The header: the state of the connection, the server, and the buttons. */

import type { Track } from "../comm/protocol";
import { turnText } from "../conversation/transcript";
import type { Store } from "../store";
import { useFrameValue } from "./frame";
import { MicrophoneIcon, SlidersIcon, StopIcon } from "./icons";
import { CallTimer, LevelBar, RoundTrip } from "./meters";
import { wordsOf } from "./situation";

export function Header({ store }: { store: Store }) {
  return (
    <header class="rtc-header">
      <Indicator store={store} />
      {store.layout.value === "compact" && <Caption store={store} />}
      <div class="rtc-controls">
        <StopButton store={store} />
        <DevicesButton store={store} />
        <MuteButton store={store} />
        <CallButton store={store} />
      </div>
      <SecondLine store={store} />
    </header>
  );
}

function Indicator({ store }: { store: Store }) {
  const { dot, headline, states } = wordsOf(store).value;
  const server = store.server.value;
  const { user, assistant } = store.speaking.value;
  const isConnectedHere = store.state.value.status === "connected" && !store.isFollowing.value;
  return (
    <div class="rtc-indicator" data-tone={dot}>
      <div class="rtc-status">
        <span class="rtc-dot" aria-hidden="true" />
        <span class="rtc-connection" role="status">
          {headline}
        </span>
      </div>
      <div class="rtc-details">
        {states !== "" && <span class="rtc-ice">{states}</span>}
        {server !== "" && (
          <span class="rtc-server" title={server}>
            {server}
          </span>
        )}
        <CallTimer store={store} />
        <RoundTrip store={store} />
        {user && <SpeakingIndicator speaker="user" label="You are speaking" />}
        {assistant && <SpeakingIndicator speaker="assistant" label="The assistant is speaking" />}
        {isConnectedHere && <LevelBar store={store} side="assistant" />}
      </div>
    </div>
  );
}

const MAX_CAPTION_LENGTH = 160;

/** The last words of the conversation, in one line. */
function Caption({ store }: { store: Store }) {
  const { turns } = useFrameValue(store.conversation);
  const last = turns.findLast(({ role }) => role !== "unseen");
  const text = last ? turnText(last) : "";
  return (
    <p class="rtc-caption" dir="auto" data-role={last?.role} title={text}>
      {text.length > MAX_CAPTION_LENGTH ? `… ${text.slice(-MAX_CAPTION_LENGTH)}` : text}
    </p>
  );
}

function SpeakingIndicator({ speaker, label }: { speaker: Track; label: string }) {
  return (
    <span class="rtc-speaking" data-speaking={speaker} role="img" aria-label={label} title={label}>
      <i />
      <i />
      <i />
    </span>
  );
}

/** Shown while the voice speaks. */
function StopButton({ store }: { store: Store }) {
  if (!store.canInterrupt.value) return null;
  return (
    <button
      type="button"
      class="rtc-button"
      data-action="stop"
      title="Stop the voice (Escape)"
      onClick={store.interrupt}
    >
      <StopIcon /> Stop
    </button>
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
  const { status, muted, receive_only } = store.state.value;
  if (store.isFollowing.value) return null; // the other page has the microphone
  const label = muted ? "Unmute the microphone" : "Mute the microphone";
  const isHeard = status === "connected" && !receive_only;
  return (
    <span class="rtc-microphone">
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
      {isHeard && <LevelBar store={store} side="user" />}
    </span>
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
        onPointerEnter={store.expectConnect}
        onPointerDown={store.expectConnect}
        onFocus={store.expectConnect}
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

/** The second line, and the click that a browser may want before it plays audio. */
function SecondLine({ store }: { store: Store }) {
  const text = wordsOf(store).value.secondLine;
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
