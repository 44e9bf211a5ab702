/** Hold to talk: shown where the session leaves it to the person to say when their turn ends. */

import type { Store } from "../store";
import { MicrophoneIcon } from "./icons";

export function TalkButton({ store }: { store: Store }) {
  const { isOn, isHeld } = store.talk.value;
  const { muted, listening_only, data_channel_state } = store.state.value;
  if (!isOn || listening_only || data_channel_state !== "open") return null;
  const release = () => store.hold(false);
  return (
    <div class="rtc-talk">
      <button
        type="button"
        class="rtc-button rtc-primary"
        data-action="talk"
        data-held={isHeld}
        disabled={muted}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          // The pointer may slip off the button; the turn ends when it is lifted, wherever that is.
          event.currentTarget.setPointerCapture(event.pointerId);
          store.hold(true);
        }}
        onPointerUp={release}
        onLostPointerCapture={release}
        onKeyDown={({ key, repeat }) => {
          if (key === " " && !repeat) store.hold(true);
        }}
        onKeyUp={({ key }) => {
          if (key === " ") release();
        }}
        onBlur={release}
        // A long press on a touch screen is no call for a menu.
        onContextMenu={(event) => event.preventDefault()}
      >
        <MicrophoneIcon isMuted={muted} />
        {muted ? "Unmute to talk" : isHeld ? "Listening: let go to send" : "Hold to talk"}
      </button>
    </div>
  );
}
