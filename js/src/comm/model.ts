/** The host's model of the widget: its traits, and the messages to and from the kernel. */

import type { AnyModel } from "@anywidget/types";

/** The part of anywidget's model that is used here; `save_changes` is left out on purpose (see `bridge.ts`). */
export type Model = Pick<AnyModel, "get" | "on" | "off" | "send" | "widget_manager">;
