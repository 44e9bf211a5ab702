/** Peer connections in the test's page: each has a model and a scripted kernel, everything else is the browser's own. */

import { afterEach, expect, vi } from "vitest";
import type { OperationPayload, PeerEvent } from "../../src/peer/messages";
import widget from "../../src/peer_index";
import { FakeKernel, FakeModel, type Message } from "../fakes";

export type Json = Record<string, unknown>;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  document.body.replaceChildren();
});

/** A `PeerConnection` as Python has it: it asks for operations and collects the events. */
export class DrivenPeer {
  readonly model = new FakeModel();
  readonly kernel = new FakeKernel(this.model);
  readonly life = new AbortController();
  readonly events: PeerEvent[] = [];
  /** The attributes of all objects, by their handles, as the changes of the events say. */
  readonly objects: Record<string, Json> = {};
  readonly #listeners = new Set<(event: PeerEvent) => void>();
  /** Whether events are acknowledged. */
  acknowledges = true;
  id = "";
  readonly #widget = widget();

  constructor(settings: Json = {}) {
    Object.assign(this.model.traits, { settings });
    this.model.on("sent", (message: Message) => message.type === "peer_events" && this.#take(message));
    const { initialize } = this.#widget;
    initialize({ model: this.model, signal: this.life.signal } as unknown as Parameters<typeof initialize>[0]);
    ends.push(() => this.life.abort());
  }

  mount() {
    const element = document.createElement("div");
    document.body.append(element);
    const { render } = this.#widget;
    const signal = new AbortController().signal;
    const unmount = render({ model: this.model, el: element, signal } as unknown as Parameters<typeof render>[0]);
    return { element, unmount };
  }

  /** Asks for an operation; resolves with the page's whole reply. */
  ask(op: string, args: Json = {}): Promise<Message> {
    return this.kernel.ask("peer", { peer: this.id || null, op, args });
  }

  /** Asks for an operation and gives it up, as Python does when it is cancelled; resolves with the page's reply. */
  async askAndCancel(op: string, args: Json, when: () => Promise<unknown>): Promise<Message> {
    const request = "k:given-up";
    const asked = this.kernel.ask("peer", { peer: this.id || null, op, args }, request);
    await when();
    this.kernel.say({ type: "cancel", request });
    return asked;
  }

  /** Asks for an operation that must succeed; resolves with its result. */
  async call(op: string, args: Json = {}): Promise<Json> {
    const reply = await this.ask(op, args);
    expect(reply.error, `error of ${op}`).toBeUndefined();
    return reply.result as Json;
  }

  /** Asks for an operation that must fail; resolves with the code and the message of its error. */
  async fail(op: string, args: Json = {}): Promise<{ code: string; message: string; hint: string }> {
    const reply = await this.ask(op, args);
    expect(reply.result, `result of ${op}`).toBeUndefined();
    return reply.error as { code: string; message: string; hint: string };
  }

  async create(configuration: Json = {}): Promise<this> {
    const result = await this.call("create", { configuration });
    this.id = String(result.peer);
    return this;
  }

  get pc(): Json {
    return this.objects.pc ?? {};
  }

  of(name: string): PeerEvent[] {
    return this.events.filter(([, , event]) => event === name);
  }

  get operations(): OperationPayload[] {
    return this.of("operation").map(([, , , payload]) => payload as OperationPayload);
  }

  onEvent(listener: (event: PeerEvent) => void): void {
    this.#listeners.add(listener);
  }

  async until(check: () => void): Promise<void> {
    await vi.waitFor(check, { timeout: 20_000, interval: 10 });
  }

  #take({ first, events }: Message): void {
    for (const [index, event] of (events as PeerEvent[]).entries()) {
      const number = Number(first) + index;
      if (number < this.events.length) continue; // sent again
      expect(number, "the number of an event").toBe(this.events.length);
      this.events.push(event);
      for (const [handle, changed] of Object.entries(event[4])) {
        this.objects[handle] = { ...this.objects[handle], ...changed };
      }
      for (const listener of this.#listeners) listener(event);
    }
    if (this.acknowledges) queueMicrotask(() => this.kernel.say({ type: "ack", next: this.events.length }));
  }
}

export async function newPeer(configuration: Json = {}, settings: Json = {}): Promise<DrivenPeer> {
  return new DrivenPeer(settings).create(configuration);
}

/** Passes the candidates of one peer to the other as soon as it has a remote description. */
export function trickle(from: DrivenPeer, to: DrivenPeer): void {
  const waiting: Json[] = [];
  const pass = () => {
    if (!to.pc.remote_description) return;
    for (const candidate of waiting.splice(0)) void to.call("add_ice_candidate", { candidate });
  };
  from.onEvent(([, , name, payload]) => {
    const candidate = name === "icecandidate" && (payload as Json).candidate;
    if (candidate) waiting.push(candidate as Json);
    pass();
  });
  to.onEvent(pass);
}

/** Carries an offer from one peer to the other and the answer back. */
export async function negotiate(offerer: DrivenPeer, answerer: DrivenPeer, restart = false): Promise<void> {
  const offer = await offerer.call("create_offer", { ice_restart: restart });
  await offerer.call("set_local_description", { description: offer });
  await answerer.call("set_remote_description", { description: offer });
  const answer = await answerer.call("create_answer");
  await answerer.call("set_local_description", { description: answer });
  await offerer.call("set_remote_description", { description: answer });
}

/** Two peers that are connected, with a data channel. */
export async function connectedPair(prepare: (offerer: DrivenPeer, answerer: DrivenPeer) => unknown = () => {}) {
  const offerer = await newPeer();
  const answerer = await newPeer();
  trickle(offerer, answerer);
  trickle(answerer, offerer);
  const { channel } = await offerer.call("create_data_channel", { label: "chat", options: {} });
  await prepare(offerer, answerer);
  await negotiate(offerer, answerer);
  await offerer.until(() => {
    for (const peer of [offerer, answerer]) {
      expect(peer.pc.connection_state).toBe("connected");
      expect(peer.objects["channel:1"]?.ready_state).toBe("open");
    }
  });
  return { offerer, answerer, channel: String(channel) };
}
