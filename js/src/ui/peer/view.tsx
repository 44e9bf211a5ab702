/** One view of a peer connection: a live picture of its states, candidates, pairs, channels and time line. */

import { render } from "preact";
import type { PeerStore } from "../../peer/store";
import { takeLandmark } from "../landmark";
import { suppressShortcuts } from "../shortcuts";
import { Progress } from "./progress";
import { SignalingMachine } from "./signaling_machine";
import { Candidates, Channels, Pairs } from "./tables";
import { TimeLine } from "./time_line";

/** Renders the store into the element; returns a function that removes the view. */
export function mountPeerView(element: HTMLElement, store: PeerStore): () => void {
  const closed = store.viewOpened();
  const landmark = takeLandmark("Peer connection");
  render(<PeerView store={store} name={landmark.name} />, element);
  return () => {
    landmark.release();
    closed();
    render(null, element);
  };
}

function PeerView({ store, name }: { store: PeerStore; name: string }) {
  const { record } = store;
  const states = store.states.value;
  const { local, remote } = store.descriptions.value;
  void record.version.value; // read, so that every change renders this again
  return (
    <section
      class="rtc-widget rtc-peer"
      aria-label={name}
      data-signaling-state={states.signaling_state}
      data-connection-state={states.connection_state}
      data-jp-suppress-context-menu=""
      // A click beside the controls keeps the focus in the card; elsewhere the next keys would act on the cell.
      tabIndex={-1}
      onFocusIn={({ target }) => target instanceof Element && suppressShortcuts(target)}
    >
      <Head store={store} />
      <Problem store={store} />
      <div class="rtc-states">
        <SignalingMachine state={states.signaling_state} edge={record.edge} />
        <Progress states={states} />
      </div>
      <details class="rtc-part" open>
        <summary>Time line</summary>
        <TimeLine calls={record.calls} occurrences={record.occurrences} />
      </details>
      <details class="rtc-part">
        <summary>Candidates</summary>
        <Candidates local={local} remote={remote} />
      </details>
      <details class="rtc-part" open>
        <summary>Candidate pairs</summary>
        <Pairs pairs={record.pairs} />
      </details>
      <details class="rtc-part">
        <summary>Data channels</summary>
        <Channels channels={record.channels} />
      </details>
    </section>
  );
}

function Head({ store }: { store: PeerStore }) {
  const { connection_state: state } = store.states.value;
  const isOwn = store.isOwn.value;
  const audio = store.audio.value;
  return (
    <header class="rtc-header">
      <div class="rtc-indicator" data-tone={TONES[state] ?? "off"}>
        <div class="rtc-status">
          <span class="rtc-dot" aria-hidden="true" />
          <span class="rtc-connection" role="status">
            {`Peer connection: ${state}`}
          </span>
        </div>
        {!isOwn && state !== "new" && <span class="rtc-server">Another page has, or had, this connection.</span>}
      </div>
      {audio !== "none" && (
        <div class="rtc-controls">
          <button
            type="button"
            class="rtc-button"
            data-action="sound"
            onClick={() => store.setAudible(audio !== "audible")}
          >
            {audio === "audible" ? "Mute the sound" : "Play the sound"}
          </button>
        </div>
      )}
    </header>
  );
}

const TONES: Readonly<Record<string, string>> = {
  connecting: "busy",
  connected: "on",
  disconnected: "busy",
  failed: "bad",
};

function Problem({ store }: { store: PeerStore }) {
  const problem = store.problem.value;
  // The alert exists before its content: screen readers announce changes inside it, not its appearance.
  return (
    <div class="rtc-alert" role="alert">
      {problem && (
        <div class="rtc-error" data-code={problem.code}>
          <div class="rtc-error-text">
            <p class="rtc-error-message">{problem.message}</p>
            {problem.hint !== "" && <p class="rtc-error-hint">{problem.hint}</p>}
          </div>
        </div>
      )}
    </div>
  );
}
