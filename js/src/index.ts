/** The widget's module: `initialize` makes what belongs to the model, `render` only shows it. */

import type { InitializeProps, RenderProps } from "@anywidget/types";
import { openStore, type Store } from "./store";
import { mountView } from "./ui/view";

/**
 * Called by the host once for every model. The models that `initialize` and `render` are given are different proxies of one
 * model, so they cannot be told together by identity; this closure is what they share.
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
      // Hosts that know no `initialize` get a call of their own for their view.
      return mountView(el, store ?? openStore(model, signal));
    },
  };
}
