/**
 * The panel of tabs under the conversation: closed at first; while it is closed nothing in it is rendered or computed.
 *
 * It follows the tabs pattern of the ARIA Authoring Practices Guide, with automatic activation. Only the content of the selected
 * tab is mounted.
 */

import type { FunctionComponent, TargetedKeyboardEvent } from "preact";
import { useState } from "preact/hooks";
import type { Store } from "../../store";
import { usePageId } from "../landmark";
import { ConnectionTab } from "./connection";
import { EventsTab } from "./events";
import { SessionTab } from "./session";
import { StatisticsTab } from "./statistics";
import { UsageTab } from "./usage";

interface Tab {
  readonly name: string;
  readonly title: string;
  readonly view: FunctionComponent<{ store: Store }>;
}

const TABS: readonly Tab[] = [
  { name: "events", title: "Events", view: EventsTab },
  { name: "statistics", title: "Statistics", view: StatisticsTab },
  { name: "session", title: "Session", view: SessionTab },
  { name: "connection", title: "Connection", view: ConnectionTab },
  { name: "usage", title: "Usage", view: UsageTab },
];

export function Panel({ store }: { store: Store }) {
  const [isOpen, setOpen] = useState(false);
  const [selected, setSelected] = useState("events");
  return (
    <details class="rtc-panel" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Inspect</summary>
      {isOpen && <Tabs store={store} selected={selected} onSelect={setSelected} />}
    </details>
  );
}

interface TabsProps {
  readonly store: Store;
  readonly selected: string;
  readonly onSelect: (name: string) => void;
}

function Tabs({ store, selected, onSelect }: TabsProps) {
  const id = usePageId();
  const index = Math.max(
    TABS.findIndex(({ name }) => name === selected),
    0,
  );
  const View = TABS[index]?.view ?? EventsTab;
  const tabId = (name: string) => `${id}-${name}`;
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLElement>) => {
    const next = TABS[indexAfter(event.key, index, TABS.length)];
    if (!next) return;
    event.preventDefault();
    onSelect(next.name);
    // The document does not find what is in a shadow root.
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next.name}"]`)?.focus();
  };
  return (
    <>
      <div class="rtc-tabs" role="tablist" aria-label="Inspect" onKeyDown={onKeyDown}>
        {TABS.map(({ name, title }, number) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="rtc-tab"
            id={tabId(name)}
            data-tab={name}
            aria-selected={number === index}
            aria-controls={number === index ? id : undefined}
            // The Tab key stops at the selected tab; the arrow keys move between tabs.
            tabIndex={number === index ? 0 : -1}
            onClick={() => onSelect(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div
        key={selected}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a panel may begin with text (ARIA Authoring Practices, Tabs)
        tabIndex={0}
        class="rtc-tab-panel"
        role="tabpanel"
        id={id}
        aria-labelledby={tabId(TABS[index]?.name ?? "")}
        data-tab-panel={TABS[index]?.name}
      >
        <View store={store} />
      </div>
    </>
  );
}

/** Returns the index of the tab that a key selects; -1 for any other key. */
function indexAfter(key: string, index: number, count: number): number {
  switch (key) {
    case "ArrowRight":
      return (index + 1) % count;
    case "ArrowLeft":
      return (index + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return -1;
  }
}
