/** Hold to talk: shown where the server does not detect the end of a turn. */

import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../store";
import { MicrophoneIcon } from "./icons";

export function PushToTalkButton({ store }: { store: Store }) {
  const { isOn, isHeld } = store.pushToTalk.value;
  const { muted, receive_only, data_channel_state } = store.state.value;
  if (!isOn || receive_only || data_channel_state !== "open") return null;
  return <HoldButton store={store} isHeld={isHeld} muted={muted} />;
}

function HoldButton({ store, isHeld, muted }: { store: Store; isHeld: boolean; muted: boolean }) {
  const isPressed = useRef(false);
  const press = () => {
    isPressed.current = true;
    store.setTalking(true);
  };
  // A press by Python or by another view is not released here.
  const release = () => {
    if (!isPressed.current) return;
    isPressed.current = false;
    store.setTalking(false);
  };
  // A button that vanishes or is disabled while it is held gets no release event.
  useEffect(() => release, [muted]);
  return (
    <div class="rtc-push-to-talk">
      <button
        type="button"
        class="rtc-button rtc-primary"
        data-action="talk"
        data-held={isHeld}
        disabled={muted}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          // The pointer may leave the button; the turn ends when it is lifted, wherever that is.
          event.currentTarget.setPointerCapture(event.pointerId);
          press();
        }}
        onPointerUp={release}
        onLostPointerCapture={release}
        onKeyDown={({ key, repeat }) => {
          if (key === " " && !repeat) press();
        }}
        onKeyUp={({ key }) => {
          if (key === " ") release();
        }}
        onBlur={release}
        // A long press on a touch screen must not open a menu.
        onContextMenu={(event) => event.preventDefault()}
      >
        <MicrophoneIcon isMuted={muted} />
        {muted ? "Unmute to talk" : isHeld ? "Listening: release to send" : "Hold to talk"}
      </button>
    </div>
  );
}
