/**
 * The page's end of the messages: the greeting, requests with ids and time limits, replies given once.
 *
 * Custom messages only; the page never writes a trait (on ipykernel 7.4 one `save_changes` during an async cell would stop
 * the trait sync for good).
 */

import { abortable, within } from "../async";
import { asRtcWidgetError, pageError, RtcWidgetError } from "../errors";
import { now, randomId } from "../page";
import { idleFor, isIdle } from "./kernel_liveness";
import type { Model } from "./model";
import {
  decodeKernelMessage,
  type KernelMessage,
  type KernelReply,
  type KernelRequest,
  type PageMessage,
  type PageRequest,
  PROTOCOL,
} from "./protocol";

export type Result = Readonly<Record<string, unknown>>;

const FIRST_GREETING_PAUSE_MS = 250;
const LONGEST_GREETING_PAUSE_MS = 4_000;
const SLOW_REPLY_MS = 1_000;
/** An idle kernel that has not welcomed a page by then never will: the page says hello several times meanwhile. */
const IDLE_LIMIT_MS = 5_000;
const REMEMBERED_REQUESTS = 200;

/** What the page does when the kernel speaks. */
export interface KernelListener {
  onWelcome(): void;
  onProtocolMismatch(): void;
  onRequest(request: KernelRequest): Promise<Result>;
  /** The number of the last state that was reported: a reply may overtake it, and the kernel waits for it then. */
  stateSeq(): number;
  onAck(next: number): void;
  onResend(first: number): void;
  /** Another page's call has brought events, up to this number. */
  onLogGrew(next: number): void;
  onMediaAck(next: number, missing: boolean): void;
  /** The kernel gives a sign of life, by whatever message. */
  onAlive(): void;
  /** True while a request of the page has waited for more than a second. */
  onSlowKernel(slow: boolean): void;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  readonly limitMs: number;
  /** Nobody waits for it, so nobody need be told that the kernel is slow. */
  readonly isPatient?: boolean;
  /** Told of a reply that comes after the request was given up. */
  readonly onLateReply?: () => void;
}

/** One page's connection to its kernel. Silent before `open`, and after `close` or the end of the model's signal. */
export class Bridge {
  readonly page = randomId("p");
  readonly #model: Model;
  #listener: KernelListener | undefined;
  #greeting: ReturnType<typeof setTimeout> | undefined;
  #welcomed = false;
  #isOtherVersion = false;
  readonly #heldBack: (() => void)[] = [];
  readonly #awaited = new Map<string, (reply: KernelReply) => void>();
  readonly #answered = new Map<string, PageMessage | undefined>();
  #requests = 0;
  #slowRequests = 0;

  constructor(model: Model) {
    this.#model = model;
  }

  get isOpen(): boolean {
    return this.#listener !== undefined;
  }

  /** Whether the kernel has greeted this page; what is sent earlier may get lost. */
  get isWelcomed(): boolean {
    return this.#welcomed;
  }

  /** Resolves when the kernel has greeted this page; rejects soon where it is idle and yet silent, which means a stranger. */
  async welcomed(signal: AbortSignal, limitMs: number): Promise<void> {
    if (this.#welcomed) return;
    this.#demandKernel();
    const waiting = new AbortController();
    const welcomed = new Promise<void>((resolve) => this.#heldBack.push(resolve));
    const silence = idleFor(IDLE_LIMIT_MS, this.#model, AbortSignal.any([signal, waiting.signal])).then(() => {
      throw pageError("kernel_died", {
        message: "This widget belongs to an earlier kernel.",
        hint: "Run its cell again, then connect.",
      });
    });
    // No cell is running there, so it would be wrong to wait for one aloud.
    const noLongerSlow = isIdle(this.#model) ? () => {} : this.#watchForSlowness();
    try {
      await within(limitMs, abortable(Promise.race([welcomed, silence]), signal), () => {
        throw pageError("kernel_timeout");
      });
    } finally {
      noLongerSlow();
      waiting.abort();
    }
  }

  #demandKernel(): void {
    if (!this.isOpen) throw pageError("kernel_died");
    if (this.#isOtherVersion) throw pageError("protocol_mismatch");
  }

  open(listener: KernelListener): void {
    this.#listener = listener;
    this.#model.on("msg:custom", this.#receive);
    this.#greet(FIRST_GREETING_PAUSE_MS);
  }

  /** Says nothing more and hears nothing more. */
  close(): void {
    if (!this.isOpen) return;
    this.#listener = undefined;
    this.#welcomed = false;
    clearTimeout(this.#greeting);
    this.#model.off("msg:custom", this.#receive);
  }

  send(message: PageMessage): void {
    this.#post(message);
  }

  /** Says it even after `close`, while there is still somebody to hear it: what could not be known before. */
  sendLast(message: PageMessage): void {
    this.#hand({ ...message, page: this.page });
  }

  /** Asks the kernel; rejects with the kernel's error, `kernel_timeout`, the signal's reason, or `kernel_died` when closed. */
  async request(message: PageRequest, { signal, limitMs, onLateReply, isPatient }: RequestOptions): Promise<Result> {
    signal.throwIfAborted();
    this.#demandKernel();
    const id = `${this.page}:${++this.#requests}`;
    const reply = new Promise<KernelReply>((resolve) =>
      this.#awaited.set(id, (answer) => (signal.aborted ? onLateReply?.() : resolve(answer))),
    );
    const ask = () => {
      if (!signal.aborted) this.#post({ ...message, id });
    };
    if (this.#welcomed) ask();
    else this.#heldBack.push(ask);
    const noLongerSlow = isPatient ? () => {} : this.#watchForSlowness();
    try {
      const answer = await within(limitMs, abortable(reply, signal), () => {
        throw pageError("kernel_timeout");
      });
      if ("error" in answer) throw new RtcWidgetError(answer.error);
      return answer.result;
    } finally {
      noLongerSlow();
      // Still awaited here means given up; a reply may come all the same.
      if (this.#awaited.delete(id) && onLateReply) this.#awaited.set(id, onLateReply);
    }
  }

  readonly #receive = (content: unknown): void => {
    const message = decodeKernelMessage(content, this.page);
    if (!message) return;
    this.#listener?.onAlive();
    this.#dispatch(message);
  };

  #dispatch(message: KernelMessage): void {
    const listener = this.#listener;
    if (!listener) return;
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
      case "log_grew":
        listener.onLogGrew(message.next);
        break;
      case "media_ack":
        listener.onMediaAck(message.next, message.missing);
        break;
      case "ping":
        // A page that has vanished does not answer; so the kernel knows. And it learns how far apart the clocks are.
        this.#post({ type: "pong", time_ms: now() });
        break;
      case "reply":
        this.#settle(message);
        break;
      default:
        void this.#answer(message, listener);
    }
  }

  #settle(reply: KernelReply): void {
    const resolve = this.#awaited.get(reply.id);
    this.#awaited.delete(reply.id);
    resolve?.(reply);
  }

  #welcome(protocol: number, listener: KernelListener): void {
    clearTimeout(this.#greeting);
    this.#isOtherVersion = protocol !== PROTOCOL;
    if (this.#isOtherVersion) {
      listener.onProtocolMismatch();
      return;
    }
    this.#welcomed = true;
    listener.onWelcome();
    for (const ask of this.#heldBack.splice(0)) ask();
  }

  /** Does what the kernel asks, once: a request that is repeated gets its first reply again. */
  async #answer(request: KernelRequest, listener: KernelListener): Promise<void> {
    const { id } = request;
    if (this.#answered.has(id)) {
      const said = this.#answered.get(id);
      if (said) this.#post(said);
      return;
    }
    this.#remember(id, undefined);
    const reply = await listener.onRequest(request).then(
      (result): PageMessage => ({ type: "reply", id, seq: listener.stateSeq(), result }),
      (error: unknown): PageMessage => {
        return { type: "reply", id, seq: listener.stateSeq(), error: asRtcWidgetError(error).toWire() };
      },
    );
    this.#remember(id, reply);
    this.#post(reply);
  }

  #remember(id: string, reply: PageMessage | undefined): void {
    this.#answered.set(id, reply);
    for (const oldest of this.#answered.keys()) {
      if (this.#answered.size <= REMEMBERED_REQUESTS) break;
      this.#answered.delete(oldest);
    }
  }

  /** Says hello until welcomed: the first messages of a page can be lost or overtaken while the kernel finds its shells. */
  #greet(pause: number): void {
    this.#post({ type: "hello", protocol: PROTOCOL });
    this.#greeting = setTimeout(() => this.#greet(Math.min(2 * pause, LONGEST_GREETING_PAUSE_MS)), pause);
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

  #post(message: PageMessage | (PageRequest & { id: string })): void {
    if (this.isOpen) this.#hand({ ...message, page: this.page });
  }

  #hand(message: object): void {
    try {
      this.#model.send(message);
    } catch {
      // The comm is gone and with it the kernel: nobody is left to tell. The call's own end comes by the model's signal.
    }
  }
}

/** Answers "send that again" once for each hole: every message behind a hole makes the kernel ask again. */

const PAUSE_MS = 1_000;

export class ResendGuard {
  #from = -1;
  #at = 0;

  /** Whether what is missing from this number on should be sent again now: it was not, or long enough ago to be lost once more. */
  isDue(from: number): boolean {
    const now = performance.now();
    if (from === this.#from && now - this.#at < PAUSE_MS) return false;
    this.#from = from;
    this.#at = now;
    return true;
  }
}
