/** Events of the data channel on their way to the kernel. */

import { now } from "../page";
import { Outbox } from "./outbox";
import type { Direction, PageMessage, WireEvent } from "./protocol";

type Batch = Extract<PageMessage, { type: "events" }>;

interface KeptEvent {
  readonly attempt: string;
  readonly event: WireEvent;
}

export class EventOutbox extends Outbox<KeptEvent, Batch> {
  constructor(post: (batch: Batch) => void) {
    super(post, {
      size: ({ event: [, , text] }) => text.length,
      areTogether: (first, other) => first.attempt === other.attempt,
      batch: (first, entries, { attempt }) => ({
        type: "events",
        attempt,
        first,
        events: entries.map(({ event }) => event),
      }),
    });
  }

  record(attempt: string, direction: Direction, text: string): void {
    this.add({ attempt, event: [direction, now(), text] });
  }
}
