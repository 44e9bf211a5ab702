/** One view of a store: the card in the notebook. */

import { render } from "preact";
import type { Store } from "../store";
import { ApprovalPrompts } from "./approval_prompt";
import { Composer } from "./composer";
import { DeviceMenus } from "./device_menu";
import { ErrorBanner } from "./error_banner";
import { Header } from "./header";
import { takeLandmark } from "./landmark";
import { Panel } from "./panel/panel";
import { PushToTalkButton } from "./push_to_talk_button";
import { suppressShortcuts } from "./shortcuts";
import { Transcript } from "./transcript";
import { TranscriptTools } from "./transcript_tools";

/** Renders the store into the element; returns a function that removes the view. */
export function mountView(element: HTMLElement, store: Store): () => void {
  const closed = store.viewOpened();
  const landmark = takeLandmark("Voice chat");
  render(<View store={store} name={landmark.name} />, element);
  return () => {
    landmark.release();
    closed();
    render(null, element);
  };
}

function View({ store, name }: { store: Store; name: string }) {
  const layout = store.layout.value;
  const { status, connection_state, ice_connection_state, data_channel_state } = store.state.value;
  return (
    <section
      class="rtc-widget"
      aria-label={name}
      data-layout={layout}
      data-status={status}
      data-connection-state={connection_state}
      data-ice-connection-state={ice_connection_state}
      data-data-channel-state={data_channel_state}
      data-jp-suppress-context-menu=""
      // A click beside the controls keeps the focus in the card; elsewhere the next keys would act on the cell.
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.isComposing || !store.canInterrupt.peek()) return;
        event.preventDefault();
        event.stopPropagation();
        store.interrupt();
      }}
      onFocusIn={({ target }) => target instanceof Element && suppressShortcuts(target)}
    >
      <Header store={store} />
      <DeviceMenus store={store} />
      <ErrorBanner store={store} />
      <ApprovalPrompts store={store} />
      {layout === "full" && !store.isEventsOnly && <Transcript store={store} />}
      <PushToTalkButton store={store} />
      {layout === "full" && (
        <>
          {!store.isEventsOnly && <Composer store={store} />}
          <div class="rtc-footer">
            <Panel store={store} />
            {!store.isEventsOnly && <TranscriptTools store={store} />}
          </div>
        </>
      )}
    </section>
  );
}
