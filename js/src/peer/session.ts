/** What belongs to one model on one page: its peer connection and its messages. They end with the model's signal. */

import { Bridge, type Result } from "../comm/bridge";
import { KernelLiveness } from "../comm/kernel_liveness";
import type { Model } from "../comm/model";
import { Outbox } from "../comm/outbox";
import type { ErrorReport } from "../errors";
import { readSettings } from "../settings";
import { Views } from "../views";
import { Cancellation } from "./cancellation";
import { operationError, peerNotFound } from "./errors";
import { decodePeerMessage, type PeerEvent, type PeerEvents, type PeerMessages, type PeerRequest } from "./messages";
import { Peer } from "./peer";
import type { RemoteAudioState } from "./remote_audio";

export interface PeerSessionListener {
  /** The kernel has greeted this page: its traits are current, and not those of a saved notebook. */
  onWelcome(): void;
  /** A peer connection was made; the events from now on are its. */
  onPeer(): void;
  onEvent(event: PeerEvent): void;
  onRemoteAudio(state: RemoteAudioState): void;
  onSent(channel: string): void;
  /** An operation that Python asked for has ended: with an error, or null. */
  onSettled(error: ErrorReport | null): void;
  onKernelDied(): void;
  onProtocolMismatch(): void;
}

export interface PeerSession {
  /** The id of this page, by which the kernel names the page with the connection. */
  readonly page: string;
  /** The latest connection of this page; undefined before there was one. */
  readonly peer: Peer | undefined;
  readonly views: Views;
}

interface KeptEvent {
  readonly peer: string;
  readonly event: PeerEvent;
  readonly characters: number;
}

/** Opens the session of a model; it ends with the signal. Short and synchronous, as anywidget's `initialize` must be. */
export function openPeerSession(model: Model, signal: AbortSignal, listener: PeerSessionListener): PeerSession {
  const bridge = new Bridge<PeerMessages>(model, decodePeerMessage);
  const outbox = new Outbox<KeptEvent, PeerEvents>((batch) => bridge.send(batch), {
    size: ({ characters }) => characters,
    areTogether: (first, other) => first.peer === other.peer,
    batch: (first, entries, { peer }) => ({
      type: "peer_events",
      peer,
      first,
      events: entries.map(({ event }) => event),
    }),
  });
  let peer: Peer | undefined;
  const views = new Views(
    () => readSettings(model).viewTimeoutMs,
    () => peer?.close("no_view"),
  );

  const create = (configuration: unknown): Peer => {
    const early: PeerEvent[] = [];
    const add = (id: string, event: PeerEvent) => {
      outbox.add({ peer: id, event, characters: JSON.stringify(event).length });
      listener.onEvent(event);
    };
    let made: Peer | undefined;
    made = new Peer(configuration, bridge, {
      onEvent: (event) => (made ? add(made.id, event) : early.push(event)),
      onRemoteAudio: (state) => listener.onRemoteAudio(state),
      onSent: (channel) => listener.onSent(channel),
      onClosed: () => setOpen(false),
    });
    listener.onPeer();
    for (const event of early) add(made.id, event);
    return made;
  };
  const setOpen = (isOpen: boolean) => {
    views.setNeeded(isOpen);
    kernelLiveness.setWatching(isOpen);
  };
  const cancellation = new Cancellation();
  const handle = async ({ op, peer: id, args }: PeerRequest, cancelled: AbortSignal): Promise<Result> => {
    if (op === "create") {
      // A kernel that has given up an earlier `create` asks again: there is one connection for a widget.
      if (!peer || peer.isClosed) {
        peer = create(args.configuration);
        setOpen(true);
      }
      return { peer: peer.id };
    }
    // Such a kernel closes the connection without knowing its name.
    const isNamed = peer?.id === id || (op === "close" && id === "");
    if (!peer || !isNamed) throw peerNotFound();
    return peer.run(op, args, cancelled);
  };
  // A kernel that was restarted or has died does not know this model any more.
  const kernelLiveness = new KernelLiveness(
    model,
    () => {
      bridge.close();
      peer?.close("kernel_died");
      listener.onKernelDied();
    },
    signal,
  );
  const open = () =>
    bridge.open({
      onWelcome: () => listener.onWelcome(),
      onProtocolMismatch: () => listener.onProtocolMismatch(),
      onRequest: async (request) => {
        try {
          const result = await cancellation.run(request.id, (cancelled) => handle(request, cancelled));
          listener.onSettled(null);
          return result;
        } catch (thrown) {
          const error = operationError(thrown);
          listener.onSettled(error.toWire());
          throw error;
        } finally {
          // The kernel waits for the events before the reply.
          outbox.flush();
        }
      },
      onNotice: ({ request }) => cancellation.cancel(request),
      replySeq: () => outbox.end,
      onAck: (next) => outbox.acknowledge(next),
      onResend: (first) => outbox.resendFrom(first),
      onAlive: () => kernelLiveness.recordAlive(),
      maxPongDelayMs: () => undefined,
      onSlowKernel: () => {},
    });
  open();
  // Close while messages can still be sent.
  const leave = () => {
    peer?.close("page_gone");
    outbox.flush();
    bridge.send({ type: "goodbye" });
    bridge.close();
  };
  signal.addEventListener("abort", () => {
    leave();
    outbox.close();
    views.stop();
  });
  // A page that goes away may come back from the browser's cache.
  const reopen = ({ persisted }: PageTransitionEvent) => persisted && open();
  addEventListener("pagehide", leave, { signal });
  addEventListener("pageshow", reopen, { signal });
  return {
    page: bridge.page,
    get peer() {
      return peer;
    },
    views,
  };
}
