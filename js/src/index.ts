/** The widget's module: `initialize` opens what belongs to the model, `render` only shows it. */

import type { InitializeProps, RenderProps } from "@anywidget/types";
import { openStore, type Store } from "./store";
import { mountView } from "./ui/view";

/**
 * Called by the host once for every model. `initialize` and `render` get different proxies of one model, so its identity
 * cannot connect them; they share this closure.
 */
export default function widget() {
  let store: Store | undefined;
  return {
    initialize({ model, signal }: InitializeProps): () => void {
      // Hosts end a model by the signal, by calling what is returned, or both.
      const life = new AbortController();
      signal?.addEventListener("abort", () => life.abort());
      store = openStore(model, life.signal);
      return () => life.abort();
    },
    render({ model, el, signal }: RenderProps): () => void {
      // A host that does not call `initialize` gets a call for its view alone.
      return mountView(el, store ?? openStore(model, signal));
    },
  };
}
