/** One view of a peer connection: a live picture of its states, candidates, pairs, channels and time line. */

import { render } from "preact";
import type { PeerStore } from "../../peer/store";

/** Renders the store into the element; returns a function that removes the view. */
export function mountPeerView(element: HTMLElement, store: PeerStore): () => void {
  const closed = store.viewOpened();
  render(<PeerView store={store} />, element);
  return () => {
    closed();
    render(null, element);
  };
}

function PeerView({ store }: { store: PeerStore }) {
  const { signaling_state, connection_state } = store.states.value;
  return (
    <section
      class="rtc-widget rtc-peer"
      aria-label="Peer connection"
      data-signaling-state={signaling_state}
      data-connection-state={connection_state}
    />
  );
}
