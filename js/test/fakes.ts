/** Test doubles for the kernel, the microphone and the connection. Everything else in the tests is real. */

import { afterEach, vi } from "vitest";
import { PROTOCOL } from "../src/comm/envelope";
import type { Model } from "../src/comm/model";
import widget from "../src/index";

export type Message = Record<string, unknown> & { type: string };

/** A model that is connected to a scripted kernel. */
export class FakeModel implements Model {
  /** What was sent as it travels: several messages may be one. */
  readonly transmitted: Message[] = [];
  /** The messages one by one. */
  readonly sent: Message[] = [];
  readonly traits: Record<string, unknown> = { progress: "", server: "Test server", call_id: null };
  readonly #listeners = new Map<string, Set<(...args: unknown[]) => void>>();
  /** Whether the comm is closed, so that `send` throws. */
  isDead = false;

  /** The host's widget manager; tests may give it a kernel connection. */
  readonly widget_manager = { get_model: () => Promise.reject(new Error("No models here")) };

  get: Model["get"] = (name: string) => this.traits[name] as never;

  on(name: string, callback: (...args: never[]) => void): void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(callback as (...args: unknown[]) => void));
  }

  off(name?: string | null, callback?: ((...args: never[]) => void) | null): void {
    // off() without arguments would also remove the listeners of others.
    if (!name || !callback) throw new Error("off() without a name and a callback");
    this.#listeners.get(name)?.delete(callback as (...args: unknown[]) => void);
  }

  send(content: Message): void {
    if (this.isDead) throw new Error("Cannot send");
    const transmitted = JSON.parse(JSON.stringify(content)) as Message;
    this.transmitted.push(transmitted);
    const messages = transmitted.type === "bundle" ? (transmitted.messages as Message[]) : [transmitted];
    for (const message of messages) {
      this.sent.push(message);
      this.trigger("sent", message);
    }
  }

  trigger(name: string, ...args: unknown[]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(...args);
  }

  setTrait(name: string, value: unknown): void {
    this.traits[name] = value;
    this.trigger(`change:${name}`);
  }

  /** How many listeners there are, of all events or of one. */
  listenerCount(name?: string): number {
    const counted = name === undefined ? [...this.#listeners.values()] : [this.#listeners.get(name) ?? new Set()];
    return counted.reduce((count, listeners) => count + listeners.size, 0);
  }
}

type Answer =
  | { result: Record<string, unknown> }
  | { error: { code: string; message: string; hint: string } }
  | "later";

/** The kernel: welcomes pages, replies to `prepare` and `exchange` by the script, and can send requests to the page. */
export class FakeKernel {
  readonly model: FakeModel;
  protocol = PROTOCOL;
  isListening = true;
  answers: Record<"prepare" | "exchange" | "renegotiate", Answer> = {
    prepare: { result: { data_channel_label: "oai-events", ice_servers: [] } },
    exchange: { result: { sdp: "v=0\r\nanswer", call_id: "rtc_1" } },
    renegotiate: { result: { sdp: "v=0\r\nanother answer" } },
  };
  /** What the kernel says with its welcome that an offer needs. */
  known: Record<string, unknown> | undefined;
  clientSecret: Answer = { result: { url: "https://api.example/v1/realtime/calls", secret: "ek_1" } };
  /** Clips by their ids, each in parts. */
  clips: Record<string, { rate: number; parts: string[] }> = {};
  /** Whether audio and statistics are acknowledged. */
  takesMedia = true;
  /** The reply to `history`, or a function that returns the reply to a request. */
  history: Answer | ((request: Message) => Answer) = { result: { calls: [], first: 0, next: 0, more: false } };
  #asked = 0;

  constructor(model: FakeModel) {
    this.model = model;
    model.on("sent", (message: Message) => this.isListening && queueMicrotask(() => this.#hear(message)));
  }

  get page(): string {
    return String(this.model.sent[0]?.page);
  }

  of(type: string): Message[] {
    return this.model.sent.filter((message) => message.type === type);
  }

  last(type: string): Message {
    const message = this.of(type).at(-1);
    if (!message) throw new Error(`The page has sent no ${type}`);
    return message;
  }

  get states(): Record<string, unknown>[] {
    return this.of("state").map(({ state }) => state as Record<string, unknown>);
  }

  get statuses(): unknown[] {
    return this.states.map(({ status }) => status).filter((status, index, all) => status !== all[index - 1]);
  }

  say(message: Message): void {
    this.model.trigger("msg:custom", { page: this.page, ...message }, []);
  }

  welcome(): void {
    this.say({ type: "welcome", protocol: this.protocol });
    if (this.known) this.say({ type: "preparation", preparation: this.known });
  }

  reply(to: Message, answer: Answer): void {
    if (answer !== "later") this.say({ type: "reply", id: to.id, ...answer });
  }

  /** Sends a request to the page; resolves with its reply. */
  ask(type: string, fields: Record<string, unknown> = {}, id = `k:${++this.#asked}`): Promise<Message> {
    return new Promise((resolve) => {
      const hear = (message: Message) => {
        if (message.type !== "reply" || message.id !== id) return;
        this.model.off("sent", hear);
        resolve(message);
      };
      this.model.on("sent", hear);
      this.say({ type, id, ...(type === "connect" ? { microphone: null, resume: false } : {}), ...fields });
    });
  }

  #clipPart({ clip, first }: Message): Answer {
    const found = this.clips[String(clip)];
    const data = found?.parts[Number(first)];
    if (!found || data === undefined) {
      return {
        error: { code: "clip_not_found", message: "The kernel has let go of this clip.", hint: "Say it again." },
      };
    }
    const next = Number(first) + 1 < found.parts.length ? Number(first) + 1 : null;
    return { result: { rate: found.rate, data, next } };
  }

  #hear(message: Message): void {
    if (message.type === "hello") this.welcome();
    if (message.type === "create_client_secret") this.reply(message, this.clientSecret);
    if (message.type === "history") {
      const { history } = this;
      this.reply(message, typeof history === "function" ? history(message) : history);
    }
    if (message.type === "clip") this.reply(message, this.#clipPart(message));
    if ((message.type === "audio" || message.type === "stats") && this.takesMedia) {
      this.say({ type: "media_ack", next: Number(message.number) + 1, missing: false });
    }
    const { type } = message;
    if (type === "prepare" || type === "exchange" || type === "renegotiate") this.reply(message, this.answers[type]);
  }
}

export class FakeTrack extends EventTarget {
  readonly kind = "audio";
  enabled = true;
  readyState: "live" | "ended" = "live";
  readonly deviceId: string;
  readonly label: string;
  constructor(deviceId = "default", label = "") {
    super();
    this.deviceId = deviceId;
    this.label = label;
  }
  getSettings(): MediaTrackSettings {
    return { deviceId: this.deviceId };
  }
  stop(): void {
    this.readyState = "ended";
    journal.push("track.stop");
  }
}

/** The names of closed objects and the types of sent messages, in order. */
export const journal: string[] = [];

/** A microphone with a permission prompt that the test answers. */
export class FakeMicrophone {
  readonly tracks: FakeTrack[] = [];
  readonly #prompts: { allow(): void; refuse(error: unknown): void }[] = [];
  isPrompting = false;
  constraints: unknown;

  readonly open = (constraints: unknown): Promise<MediaStream> => {
    this.constraints = constraints;
    return new Promise((resolve, reject) => {
      const allow = () => {
        const track = new FakeTrack();
        this.tracks.push(track);
        resolve({ getTracks: () => [track], getAudioTracks: () => [track] } as unknown as MediaStream);
      };
      if (this.isPrompting) this.#prompts.push({ allow, refuse: reject });
      else allow();
    });
  };

  allow(): void {
    this.#prompt().allow();
  }

  refuse(name: string, words = "refused"): void {
    this.#prompt().refuse(new DOMException(words, name));
  }

  #prompt() {
    const prompt = this.#prompts.shift();
    if (!prompt) throw new Error("The page has not asked for the microphone");
    return prompt;
  }
}

export class FakeChannel extends EventTarget {
  readyState: RTCDataChannelState = "connecting";
  bufferedAmount = 0;
  binaryType = "blob";
  readonly sent: string[] = [];
  readonly label: string;

  constructor(label: string) {
    super();
    this.label = label;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = "closed";
    journal.push("channel.close");
  }

  receive(data: unknown): void {
    this.dispatchEvent(
      new MessageEvent("message", {
        data: typeof data === "object" && !(data instanceof ArrayBuffer) ? JSON.stringify(data) : data,
      }),
    );
  }

  become(state: RTCDataChannelState): void {
    this.readyState = state;
    this.dispatchEvent(new Event(state === "closed" ? "close" : state));
  }
}

export class FakePeer extends EventTarget {
  static all: FakePeer[] = [];
  static refusesAnswers = false;
  static hasNetwork = true;
  static gathers = true;
  connectionState: RTCPeerConnectionState = "new";
  iceConnectionState: RTCIceConnectionState = "new";
  iceGatheringState: RTCIceGatheringState = "new";
  signalingState: RTCSignalingState = "stable";
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  /** Candidates and their pairs, as `getStats` reports them. */
  pairs: readonly (readonly [id: string, report: object])[] = [];
  readonly sctp = { maxMessageSize: 1000 };
  /** When audio was received last, as the receiver reports it. */
  audioSources: readonly { timestamp: number }[] = [];
  readonly steps: string[] = [];
  readonly channels: FakeChannel[] = [];
  readonly senders: unknown[] = [];
  readonly configuration: RTCConfiguration;

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
    FakePeer.all.push(this);
  }

  get channel(): FakeChannel {
    const [channel] = this.channels;
    if (!channel) throw new Error("There is no data channel");
    return channel;
  }

  addTransceiver(kind: string, init: RTCRtpTransceiverInit) {
    this.steps.push(`addTransceiver ${kind} ${init.direction}`);
    return {
      receiver: { getSynchronizationSources: () => this.audioSources },
      sender: {
        replaceTrack: async (track: unknown) => {
          this.senders.push(track);
        },
      },
    };
  }

  createDataChannel(label: string): FakeChannel {
    this.steps.push(`createDataChannel ${label}`);
    const channel = new FakeChannel(label);
    this.channels.push(channel);
    return channel;
  }

  async createOffer({ iceRestart = false }: RTCOfferOptions = {}): Promise<RTCSessionDescriptionInit> {
    this.steps.push("createOffer");
    return { type: "offer", sdp: iceRestart ? "v=0\r\nanother offer" : "v=0\r\noffer" };
  }

  async setLocalDescription(offer: RTCSessionDescriptionInit = { type: "offer", sdp: "v=0\r\noffer" }): Promise<void> {
    this.steps.push("setLocalDescription");
    // Candidates are added while they are gathered; a machine without a network has no candidates.
    const candidates = FakePeer.hasNetwork ? "\r\na=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\n" : "";
    this.localDescription = { ...offer, sdp: `${offer.sdp}${candidates}` };
    this.signalingState = "have-local-offer";
    this.iceGatheringState = FakePeer.gathers ? "complete" : "gathering";
    this.dispatchEvent(new Event("signalingstatechange"));
    this.dispatchEvent(new Event("icegatheringstatechange"));
  }

  async setRemoteDescription(answer: RTCSessionDescriptionInit): Promise<void> {
    if (FakePeer.refusesAnswers) throw new DOMException("Expect line: v=", "OperationError");
    this.steps.push("setRemoteDescription");
    this.remoteDescription = answer;
    this.signalingState = "stable";
    this.dispatchEvent(new Event("signalingstatechange"));
  }

  async getStats(): Promise<Map<string, object>> {
    if (this.connectionState === "closed") throw new DOMException("The connection is closed", "InvalidStateError");
    return new Map<string, object>([
      ...this.pairs,
      ["T01", { id: "T01", type: "transport", timestamp: 1, bytesSent: 1_000 * this.steps.length }],
    ]);
  }

  close(): void {
    this.connectionState = "closed";
    journal.push("connection.close");
  }

  gathered(): void {
    this.iceGatheringState = "complete";
    this.dispatchEvent(new Event("icegatheringstatechange"));
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  /** Goes through the states of a successful connection. */
  open(): void {
    this.become("connecting");
    this.become("connected");
    this.channel.become("open");
  }
}

const widgets: AbortController[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const widget of widgets.splice(0)) widget.abort();
  document.body.replaceChildren();
});

/** Starts a widget on a page: all around it is a test double, all inside it is real. */
export function startWidget({ isListening = true, setUp = (_model: FakeModel) => {} } = {}) {
  FakePeer.all = [];
  FakePeer.refusesAnswers = false;
  FakePeer.hasNetwork = true;
  FakePeer.gathers = true;
  journal.length = 0;
  const microphone = new FakeMicrophone();
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockImplementation(microphone.open);
  const model = new FakeModel();
  setUp(model);
  const kernel = new FakeKernel(model);
  kernel.isListening = isListening;
  model.on("sent", ({ type }: Message) => journal.push(type));
  const life = new AbortController();
  widgets.push(life);
  const { initialize, render } = widget();
  initialize({ model: proxied(model), signal: life.signal } as unknown as Parameters<typeof initialize>[0]);

  const mount = () => {
    const element = document.createElement("div");
    document.body.append(element);
    const view = new AbortController();
    const unmount = render({ model: proxied(model), el: element, signal: view.signal } as unknown as Parameters<
      typeof render
    >[0]);
    return { element, unmount };
  };
  const peer = () => {
    const latest = FakePeer.all.at(-1);
    if (!latest) throw new Error("There is no connection");
    return latest;
  };
  return { model, kernel, microphone, life, mount, peer };
}

/** As in hosts: `initialize` and `render` get different objects for one model. */
function proxied(model: FakeModel): Model {
  return {
    get: model.get,
    on: model.on.bind(model),
    off: model.off.bind(model),
    send: model.send.bind(model),
    widget_manager: model.widget_manager,
  };
}

/** Starts a widget with a connected call. */
export async function startCall(settings: Record<string, unknown> = {}, { renegotiates = false } = {}) {
  const started = startWidget({ setUp: (model) => Object.assign(model.traits, { settings }) });
  started.kernel.answers.prepare = { result: { data_channel_label: "oai-events", ice_servers: [], renegotiates } };
  await vi.waitFor(() => started.kernel.last("state"));
  const connecting = started.kernel.ask("connect");
  await vi.waitFor(() => {
    if (!started.peer().remoteDescription) throw new Error("No answer yet");
  });
  started.peer().open();
  const reply = await connecting;
  return { ...started, channel: started.peer().channel, attempt: (reply.result as { attempt: string }).attempt };
}
