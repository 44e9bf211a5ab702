/**
 * The page's end of the messages: the greeting, requests with ids and time limits, and one reply to each request.
 *
 * Only custom messages are used. The page never writes a trait: on ipykernel 7.4 one `save_changes` during an async cell
 * stops the trait sync for good.
 */

import { abortable, within } from "../async";
import { asRtcWidgetError, pageError, RtcWidgetError } from "../errors";
import { now, randomId } from "../page";
import {
  type Decode,
  decodeEnvelope,
  isFor,
  type KernelEnvelope,
  type KernelReply,
  type MessageKinds,
  type PageEnvelope,
  PROTOCOL,
} from "./envelope";
import { idleFor, isIdle, kernelOf } from "./kernel_liveness";
import type { Model } from "./model";

export type Result = Readonly<Record<string, unknown>>;

const FIRST_GREETING_PAUSE_MS = 250;
const MAX_GREETING_PAUSE_MS = 4_000;
const SLOW_REPLY_MS = 1_000;
/** An idle kernel that has not welcomed a page by then never will: the page has said hello several times. */
const IDLE_LIMIT_MS = 5_000;
const MAX_KEPT_REPLIES = 200;

/** What the page does on messages of the kernel. */
export interface KernelListener<K extends MessageKinds> {
  onWelcome(): void;
  onProtocolMismatch(): void;
  onRequest(request: K["request"]): Promise<Result>;
  onNotice(notice: K["notice"]): void;
  /** The number of the last report: a reply may overtake it, and the kernel then waits for it. */
  replySeq(): number;
  onAck(next: number): void;
  onResend(first: number): void;
  /** A message of the kernel has arrived, of any type. */
  onAlive(): void;
  /** How long a pong may wait for the next message; undefined: it leaves at once. */
  maxPongDelayMs(): number | undefined;
  /** True while a request of the page has waited for more than a second. */
  onSlowKernel(slow: boolean): void;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  readonly limitMs: number;
  /** No person waits for the reply, so a slow kernel is not reported. */
  readonly isBackground?: boolean;
  /** How long the request may wait for the next message, as with `sendWithin`. */
  readonly withinMs?: number;
  /** Called when a reply comes after the request was given up. */
  readonly onLateReply?: () => void;
}

/** One page's connection to its kernel. Silent before `open`, and after `close` or the end of the model's signal. */
export class Bridge<K extends MessageKinds> {
  readonly page = randomId("p");
  readonly #model: Model;
  readonly #decode: Decode<K>;
  #listener: KernelListener<K> | undefined;
  #greeting: ReturnType<typeof setTimeout> | undefined;
  #welcomed = false;
  #isOtherVersion = false;
  readonly #queued: (() => void)[] = [];
  readonly #pending = new Map<string, (reply: KernelReply) => void>();
  readonly #replies = new Map<string, PageEnvelope | undefined>();
  #requests = 0;
  #slowRequests = 0;
  readonly #collected: object[] = [];
  #collecting: ReturnType<typeof setTimeout> | undefined;
  /** When the collected messages leave at the latest. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(model: Model, decode: Decode<K>) {
    this.#model = model;
    this.#decode = decode;
  }

  get isOpen(): boolean {
    return this.#listener !== undefined;
  }

  /** Whether the kernel has greeted this page; earlier messages may get lost. */
  get isWelcomed(): boolean {
    return this.#welcomed;
  }

  /** Whether a kernel that has greeted this page is idle, as its host says. */
  get isKernelReady(): boolean {
    return this.#welcomed && !this.#isOtherVersion && isIdle(this.#model) && kernelOf(this.#model) !== undefined;
  }

  /**
   * Resolves when the kernel greets this page from now on; rejects soon if it is idle and does not know the widget.
   *
   * An earlier welcome does not count: it may be that of a kernel which was restarted since, from another window. A
   * kernel that knew this page is asked with the next message, or `withinMs` later.
   */
  async welcomed(signal: AbortSignal, limitMs: number, withinMs = 0): Promise<void> {
    this.#requireKernel();
    const isKnown = this.#welcomed;
    if (isKnown) this.#greet(FIRST_GREETING_PAUSE_MS, withinMs);
    const waiting = new AbortController();
    const welcomed = new Promise<void>((resolve) => this.#queued.push(resolve));
    const silence = idleFor(IDLE_LIMIT_MS, this.#model, AbortSignal.any([signal, waiting.signal])).then(() => {
      // A kernel that knew this page is slow: a callback may hold it, or it is stopped. Its restart is reported.
      if (isKnown) return new Promise<never>(() => {});
      // Where the module took more than 2 s to load, anywidget passes no message of the kernel on (docs/hosts.md).
      throw pageError("kernel_died", {
        message:
          "No message of the kernel reaches this widget: it belongs to an earlier kernel, or the page loaded slowly.",
        hint: "Run its cell again, or load the page again if the cell ran in this kernel, then connect.",
      });
    });
    // An idle kernel runs no cell, so "is a cell running?" would mislead where it has not known this page.
    const stopWatching = isIdle(this.#model) && !isKnown ? () => {} : this.#watchForSlowness();
    try {
      await within(limitMs, abortable(Promise.race([welcomed, silence]), signal), () => {
        throw pageError("kernel_timeout");
      });
    } finally {
      stopWatching();
      waiting.abort();
      if (this.#welcomed) clearTimeout(this.#greeting);
    }
  }

  #requireKernel(): void {
    if (!this.isOpen) throw pageError("kernel_died");
    if (this.#isOtherVersion) throw pageError("protocol_mismatch");
  }

  open(listener: KernelListener<K>): void {
    this.#listener = listener;
    this.#model.on("msg:custom", this.#receive);
    this.#greet(FIRST_GREETING_PAUSE_MS);
  }

  /** Sends and receives nothing more. */
  close(): void {
    if (!this.isOpen) return;
    this.flush();
    this.#listener = undefined;
    this.#welcomed = false;
    clearTimeout(this.#greeting);
    this.#model.off("msg:custom", this.#receive);
  }

  send(message: PageEnvelope | K["posted"]): void {
    this.#post(message);
  }

  /** Sends a message with the next one, or after this time; zero: at the end of this task. */
  sendWithin(limitMs: number, message: PageEnvelope | K["posted"] | (K["asked"] & { id: string })): void {
    if (!this.isOpen) return;
    this.#collected.push({ ...message, page: this.page });
    const dueMs = performance.now() + limitMs;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    clearTimeout(this.#collecting);
    if (limitMs > 0) this.#collecting = setTimeout(() => this.flush(), limitMs);
    else queueMicrotask(() => this.flush());
  }

  /** Sends what waits. */
  flush(): void {
    const messages = this.#takeCollected();
    const [only] = messages;
    if (messages.length === 1 && only) this.#transmit(only);
    else if (messages.length > 1) this.#transmit({ type: "bundle", messages, page: this.page });
  }

  /** Sends a message even after `close`, for what becomes known only then. */
  sendAfterClose(message: K["posted"]): void {
    this.flush();
    this.#transmit({ ...message, page: this.page });
  }

  /** Sends a request; rejects with the kernel's error, `kernel_timeout`, the signal's reason, or `kernel_died` when closed. */
  async request(message: K["asked"], options: RequestOptions): Promise<Result> {
    const { signal, limitMs, onLateReply, isBackground, withinMs } = options;
    signal.throwIfAborted();
    this.#requireKernel();
    const id = `${this.page}:${++this.#requests}`;
    const reply = new Promise<KernelReply>((resolve) =>
      this.#pending.set(id, (answer) => (signal.aborted ? onLateReply?.() : resolve(answer))),
    );
    const post = () => {
      if (!signal.aborted) this.#postWithin(withinMs, { ...message, id });
    };
    if (this.#welcomed) post();
    else this.#queued.push(post);
    const stopWatching = isBackground ? () => {} : this.#watchForSlowness();
    try {
      const answer = await within(limitMs, abortable(reply, signal), () => {
        throw pageError("kernel_timeout");
      });
      if ("error" in answer) throw new RtcWidgetError(answer.error);
      return answer.result;
    } finally {
      stopWatching();
      // Still pending here means given up; a reply may come nevertheless.
      if (this.#pending.delete(id) && onLateReply) this.#pending.set(id, onLateReply);
    }
  }

  readonly #receive = (content: unknown): void => {
    const listener = this.#listener;
    if (!listener || !isFor(this.page, content)) return;
    const common = decodeEnvelope(content);
    const message = common ?? this.#decode(content);
    if (!message) return;
    listener.onAlive();
    if (common) this.#dispatch(common, listener);
    else if (isRequest<K>(message)) void this.#handle(message, listener);
    else listener.onNotice(message);
  };

  #dispatch(message: KernelEnvelope, listener: KernelListener<K>): void {
    switch (message.type) {
      case "welcome":
        this.#welcome(message.protocol, listener);
        break;
      case "ack":
        listener.onAck(message.next);
        break;
      case "resend":
        listener.onResend(message.first);
        break;
      case "bundle":
        this.#receiveAll(message.messages);
        break;
      case "ping":
        // A page that has vanished does not answer. The time tells the kernel how far apart the clocks are.
        this.#postWithin(listener.maxPongDelayMs(), { type: "pong", time_ms: now() });
        break;
      case "reply":
        this.#settle(message);
    }
  }

  /** Processes every message, even if one fails; the first failure is thrown at the end. */
  #receiveAll(messages: readonly unknown[]): void {
    const failures: unknown[] = [];
    for (const message of messages) {
      try {
        this.#receive(message);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #settle(reply: KernelReply): void {
    const resolve = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    resolve?.(reply);
  }

  #welcome(protocol: number, listener: KernelListener<K>): void {
    clearTimeout(this.#greeting);
    this.#isOtherVersion = protocol !== PROTOCOL;
    if (this.#isOtherVersion) {
      listener.onProtocolMismatch();
      return;
    }
    this.#welcomed = true;
    listener.onWelcome();
    for (const post of this.#queued.splice(0)) post();
  }

  /** Handles a request once: a repeated request gets its first reply again. */
  async #handle(request: K["request"], listener: KernelListener<K>): Promise<void> {
    const { id } = request;
    if (this.#replies.has(id)) {
      const earlier = this.#replies.get(id);
      if (earlier) this.#post(earlier);
      return;
    }
    this.#keepReply(id, undefined);
    this.flush(); // the request may wait for it
    const reply = await listener.onRequest(request).then(
      (result): PageEnvelope => ({ type: "reply", id, seq: listener.replySeq(), result }),
      (error: unknown): PageEnvelope => {
        return { type: "reply", id, seq: listener.replySeq(), error: asRtcWidgetError(error).toWire() };
      },
    );
    this.#keepReply(id, reply);
    this.#post(reply);
  }

  #keepReply(id: string, reply: PageEnvelope | undefined): void {
    this.#replies.set(id, reply);
    for (const oldest of this.#replies.keys()) {
      if (this.#replies.size <= MAX_KEPT_REPLIES) break;
      this.#replies.delete(oldest);
    }
  }

  /** Says hello until welcomed: the first messages of a page can be lost or reordered while the kernel starts its subshells. */
  #greet(pause: number, withinMs?: number): void {
    clearTimeout(this.#greeting);
    this.#postWithin(withinMs, { type: "hello", protocol: PROTOCOL });
    this.#greeting = setTimeout(() => this.#greet(Math.min(2 * pause, MAX_GREETING_PAUSE_MS)), pause);
  }

  #watchForSlowness(): () => void {
    let slow = 0;
    const count = (by: number) => {
      slow += by;
      this.#slowRequests += by;
      this.#listener?.onSlowKernel(this.#slowRequests > 0);
    };
    const timer = setTimeout(() => count(1), SLOW_REPLY_MS);
    return () => {
      clearTimeout(timer);
      if (slow > 0) count(-1);
    };
  }

  #postWithin(withinMs: number | undefined, message: PageEnvelope | (K["asked"] & { id: string })): void {
    if (withinMs === undefined) this.#post(message);
    else this.sendWithin(withinMs, message);
  }

  #post(message: PageEnvelope | K["posted"] | (K["asked"] & { id: string })): void {
    if (!this.isOpen) return;
    const addressed = { ...message, page: this.page };
    const earlier = this.#takeCollected();
    if (earlier.length === 0) this.#transmit(addressed);
    else this.#transmit({ type: "bundle", messages: [...earlier, addressed], page: this.page });
  }

  #takeCollected(): object[] {
    clearTimeout(this.#collecting);
    this.#collecting = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
    return this.#collected.splice(0);
  }

  #transmit(message: object): void {
    try {
      this.#model.send(message);
    } catch {
      // The comm is closed, and with it the kernel. The model's signal ends the call.
    }
  }
}

function isRequest<K extends MessageKinds>(message: K["request"] | K["notice"]): message is K["request"] {
  return "id" in message;
}

/** Resends once for each gap: every message after a gap makes the kernel ask again. */

const RESEND_PAUSE_MS = 1_000;

export class ResendGuard {
  #from = -1;
  #at = 0;

  /** Whether to resend from this number on: it was not resent yet, or so long ago that it may be lost again. */
  isDue(from: number): boolean {
    const now = performance.now();
    if (from === this.#from && now - this.#at < RESEND_PAUSE_MS) return false;
    this.#from = from;
    this.#at = now;
    return true;
  }
}
