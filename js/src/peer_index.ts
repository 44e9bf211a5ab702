/** The module of `PeerConnection`: `initialize` opens what belongs to the model, `render` only shows it. */

import type { InitializeProps, RenderProps } from "@anywidget/types";
import { openPeerStore, type PeerStore } from "./peer/store";
import { mountPeerView } from "./ui/peer/view";

/** Called by the host once for every model; see `index.ts`. */
export default function widget() {
  let store: PeerStore | undefined;
  return {
    initialize({ model, signal }: InitializeProps): () => void {
      // Hosts end a model by the signal, by calling what is returned, or both.
      const life = new AbortController();
      signal?.addEventListener("abort", () => life.abort());
      store = openPeerStore(model, life.signal);
      return () => life.abort();
    },
    render({ model, el, signal }: RenderProps): () => void {
      // A host that does not call `initialize` gets a connection for its view alone.
      return mountPeerView(el, store ?? openPeerStore(model, signal));
    },
  };
}
