/** Every state of the interface, by name. */

import type { Outcome, Step } from "../src/call/diagnosis";
import type { CandidatePair } from "../src/call/ice_pairs";
import { type CallState, type ExplainedLine, INITIAL_STATE } from "../src/comm/protocol";
import type { Conversation } from "../src/conversation/transcript";
import { EMPTY_CONVERSATION } from "../src/conversation/transcript";
import type { JsonObject } from "../src/json";
import { now } from "../src/page";
import type { VoiceProtocol } from "../src/protocols/base";
import { LIVE } from "../src/protocols/live/protocol";
import { REALTIME } from "../src/protocols/realtime/protocol";
import type { Script } from "./scripted_store";

const CONNECTED: CallState = {
  ...INITIAL_STATE,
  status: "connected",
  connection_state: "connected",
  ice_connection_state: "connected",
  ice_gathering_state: "complete",
  data_channel_state: "open",
  microphone_permission: "granted",
};
const CONNECTING: CallState = { ...INITIAL_STATE, status: "connecting" };
const LOST: CallState = {
  ...CONNECTED,
  status: "reconnecting",
  connection_state: "disconnected",
  ice_connection_state: "disconnected",
};
const IN_CALL = { startMs: now() - 134_000, endMs: undefined, attempts: ["a1"] };
const ENDED = { ...IN_CALL, endMs: now() };

const said = (id: string, text: string): JsonObject => ({
  type: "conversation.item.added",
  previous_item_id: null,
  item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] },
});
const replied = (id: string, text: string, status = "completed"): readonly JsonObject[] => [
  { type: "response.created", response: { id: `r_${id}` } },
  {
    type: "response.output_audio_transcript.delta",
    item_id: id,
    response_id: `r_${id}`,
    content_index: 0,
    delta: text,
  },
  {
    type: "response.done",
    response: {
      id: `r_${id}`,
      status,
      output: [
        { id, type: "message", role: "assistant", status, content: [{ type: "output_audio", transcript: text }] },
      ],
    },
  },
];
const called = (id: string, name: string, given: object, output?: string): readonly JsonObject[] => [
  {
    type: "response.output_item.done",
    response_id: `r_${id}`,
    item: { id, type: "function_call", call_id: `c_${id}`, name, arguments: JSON.stringify(given) },
  },
  ...(output === undefined
    ? []
    : [
        {
          type: "conversation.item.added",
          item: { id: `o_${id}`, type: "function_call_output", call_id: `c_${id}`, output },
        },
      ]),
];
const talk = (...events: readonly JsonObject[]): Conversation =>
  events.reduce(
    (before, event, index) => REALTIME.reduce(before, event, "a1", 1_000 + 300 * index),
    REALTIME.beginCall(EMPTY_CONVERSATION, "a1", false),
  );

const ICE = talk(
  said("u1", "What is ICE?"),
  ...replied("m1", "It finds a path between two peers, also through routers."),
);
const RICH = talk(
  said("u1", "How do I measure the round trip?"),
  ...replied(
    "m1",
    "Use **`getStats`**:\n\n1. find the *selected* pair\n2. read `currentRoundTripTime`\n\n```python\nstats = await pc.get_stats()\n```\n\nSee [the specification](https://www.w3.org/TR/webrtc-stats/).",
  ),
);
const TOOLS = talk(
  said("u1", "How warm is it in Bern, and what is 7 divided by 0?"),
  ...called("f1", "weather", { city: "Bern", days: 2 }, '{"celsius": 18, "sky": "clear"}'),
  ...called("f2", "divide", { a: 7, b: 0 }, '{"error": "ZeroDivisionError: division by zero"}'),
  ...called("f3", "forecast", { city: "Bern" }),
);
const words = (side: "input" | "output", delta: string, start_ms: number): JsonObject => ({
  type: `session.${side}_transcript.delta`,
  delta,
  start_ms,
  end_ms: start_ms + 800,
});
const handed = (id: string, offset_ms: number): JsonObject => ({
  type: "session.delegation.created",
  offset_ms,
  delegation: { id, type: "delegation", target: "responses" },
});
const backend = (delegation_id: string, event: JsonObject): JsonObject => ({
  type: "response.event",
  delegation_id,
  event,
});
const begun = (id: string): JsonObject =>
  backend(id, { type: "response.created", response: { id: `r_${id}`, model: "gpt-6-luna" } });
const asksFor = (id: string, call_id: string, name: string, given: object): JsonObject =>
  backend(id, {
    type: "response.output_item.done",
    item: { type: "function_call", call_id, name, arguments: JSON.stringify(given) },
  });
const done = (id: string, ...texts: readonly string[]): readonly JsonObject[] => [
  backend(id, {
    type: "response.output_item.done",
    item: { type: "message", content: texts.map((text) => ({ type: "output_text", text })) },
  }),
  backend(id, { type: "response.completed", response: { id: `r_${id}` } }),
];
const told = (call_id: string, output: string): JsonObject => ({
  type: "response.item.create",
  item: { type: "function_call_output", call_id, output },
});
const DELEGATIONS = [
  words("input", "How warm is it in Bern?", 600),
  words("output", "One moment.", 1_600),
  handed("d1", 1_500),
  begun("d1"),
  asksFor("d1", "c1", "weather", { city: "Bern" }),
  told("c1", '{"celsius": 18, "sky": "clear"}'),
  begun("d1"),
  ...done("d1", "It is 18 degrees in Bern, with a clear sky."),
  words("output", "It is eighteen degrees, and clear.", 4_000),
  words("input", "And tomorrow?", 6_600),
  handed("d2", 7_500),
  begun("d2"),
  asksFor("d2", "c2", "forecast", { city: "Bern", days: 1 }),
].reduce(
  (before, event, index) => LIVE.reduce(before, event, "a1", 1_000 + 300 * index),
  LIVE.beginCall(EMPTY_CONVERSATION, "a1", false),
);
const CUT = talk(
  said("u1", "Tell me everything about SCTP."),
  { type: "response.created", response: { id: "r_m1" } },
  {
    type: "response.output_item.done",
    response_id: "r_m1",
    item: {
      id: "m1",
      type: "message",
      role: "assistant",
      status: "completed",
      content: [
        {
          type: "output_audio",
          transcript: "SCTP carries messages in order or not, reliably or not, over DTLS and UDP.",
        },
      ],
    },
  },
  { type: "conversation.item.truncated", item_id: "m1", content_index: 0, audio_end_ms: 1_800 },
  said("u2", "Thank you, that is enough."),
);
const RIGHT_TO_LEFT = talk(
  said("u1", "ما هو ICE؟"),
  ...replied("m1", "يجد مسارًا بين نظيرين:\n\n- عبر الموجّهات\n- أو عبر TURN"),
);
const problem = (code: string, message: string, hint: string, endsCall = true) => ({ code, message, hint, endsCall });
const SPEAKS = {
  speaking: { user: false, assistant: true },
  canInterrupt: true,
  levels: { user: 0.1, assistant: 0.7 },
};
const CALL: Script = {
  state: CONNECTED,
  callTimes: IN_CALL,
  roundTripMs: 42,
  conversation: ICE,
  levels: { user: 0.4, assistant: 0 },
};

/** A minute of a call: the second half is lossy. */
const SAMPLES = Array.from({ length: 60 }, (_, second) => {
  const isLossy = second >= 30;
  const swing = 0.5 + 0.5 * Math.sin(second / 4);
  return {
    attempt: "a1",
    timeMs: 1_000 * second,
    reports: [
      {
        type: "inbound-rtp",
        kind: "audio",
        jitter: 0.003 + 0.004 * swing + (isLossy ? 0.01 : 0),
        packetsReceived: 50 * second - (isLossy ? 4 * (second - 30) : 0),
        packetsLost: isLossy ? 4 * (second - 30) : 0,
        bytesReceived: 4_000 * second + Math.round(1_500 * swing),
      },
      { type: "outbound-rtp", kind: "audio", bytesSent: 3_000 * second },
      { type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.04 + 0.02 * swing },
    ],
  };
});
const SESSION = {
  model: "gpt-realtime",
  instructions: "You are a tutor of computer networks. Be brief, and ask before you go on.",
  output_modalities: ["audio"],
  audio: {
    input: { turn_detection: { type: "server_vad", threshold: 0.5 }, transcription: { model: "whisper-1" } },
    output: { voice: "marin", speed: 1.1 },
  },
};
const LIVE_SESSION = { model: "gpt-live-1.1", instructions: "Be brief.", audio: { output: { voice: "marin" } } };
const confirmedBy = ({ sessionOf }: VoiceProtocol, type: string, session: JsonObject) =>
  sessionOf?.({ type, session }) ?? null;
const USED = {
  text_input: 1_240,
  audio_input: 8_412,
  cached_audio_input: 5_120,
  text_output: 311,
  audio_output: 2_060,
};

const EVENTS: readonly JsonObject[] = [
  {
    type: "session.created",
    session: { model: "gpt-realtime", voice: "marin", tools: [], instructions: "Be brief. ".repeat(200) },
  },
  { type: "input_audio_buffer.speech_started", item_id: "u1", audio_start_ms: 320 },
  said("u1", "What is ICE?"),
  { type: "response.created", response: { id: "r1", status: "in_progress" } },
  ..."It finds a path between two peers, also through routers.".split(/(?<= )/).map((delta) => ({
    type: "response.output_audio_transcript.delta",
    response_id: "r1",
    item_id: "m1",
    delta,
  })),
  { type: "response.done", response: { id: "r1", status: "completed", usage: { total_tokens: 94 } } },
  { type: "error", error: { code: "invalid_value", message: "No such thing." } },
];
const PAIR: CandidatePair = {
  local: "host 192.0.2.7:50000",
  remote: "prflx 198.51.100.4:3478",
  protocol: "udp",
  state: "succeeded",
  sent: 12,
  answered: 12,
  selected: true,
};
const OK = ["Permission", "Microphone opened", "The offer has candidates", "The server answered"];
const step = (name: string, outcome: Outcome, detail = ""): Step => ({ name, outcome, detail });
const EXPLAINED: readonly ExplainedLine[] = [
  { parts: [{ text: "a=mid:0", kind: null }], says: "The name of the section.", refs: ["RFC 5888 §4"] },
  {
    parts: [
      { text: "a=ice-pwd:", kind: null },
      { text: "abcdefghijklmnopqrstuv", kind: "ICE credential" },
    ],
    says: "The password with which the connectivity checks are signed.",
    refs: ["RFC 8839 §5.4"],
  },
];

export const STATES: Readonly<Record<string, Script>> = {
  Ready: {},
  "Ready, the browser will ask": { state: { ...INITIAL_STATE, microphone_permission: "prompt" } },
  "Ready, muted": { state: { ...INITIAL_STATE, muted: true, microphone_permission: "granted" } },
  "Ready, blocked by the browser": { state: { ...INITIAL_STATE, microphone_permission: "denied" } },
  "No server": { canCall: false, server: "", progress: "Set OPENAI_API_KEY, or install rtc-widget[local]." },
  "Waiting for permission": { state: CONNECTING, isMicrophoneRequested: true },
  "Opening the microphone": { state: { ...CONNECTING, microphone_permission: "granted" }, isMicrophoneRequested: true },
  "Loading models": { state: CONNECTING, progress: "Loading speech recognition (1 of 3) …" },
  Connecting: { state: { ...CONNECTING, connection_state: "connecting", ice_connection_state: "checking" } },
  "Kernel busy": { state: CONNECTING, isKernelSlow: true },
  Connected: { ...CALL, conversation: EMPTY_CONVERSATION },
  "The person speaks": { ...CALL, speaking: { user: true, assistant: false }, levels: { user: 0.8, assistant: 0 } },
  "The voice speaks": { ...CALL, ...SPEAKS },
  "Nothing is heard": { ...CALL, hearsNothing: true, levels: { user: 0, assistant: 0 } },
  Muted: { ...CALL, state: { ...CONNECTED, muted: true } },
  "No microphone": { ...CALL, state: { ...CONNECTED, receive_only: true } },
  "Push-to-talk": { ...CALL, pushToTalk: { isOn: true, isHeld: false } },
  "Push-to-talk, held": { ...CALL, pushToTalk: { isOn: true, isHeld: true } },
  Statistics: { ...CALL, tab: "statistics", samples: SAMPLES, levels: { user: 0.4, assistant: 0.7 } },
  "Statistics without a call": { tab: "statistics" },
  "Settings of the session": {
    ...CALL,
    tab: "session",
    confirmedSession: confirmedBy(REALTIME, "session.created", SESSION),
  },
  "Settings that are fixed": {
    ...CALL,
    tab: "session",
    confirmedSession: confirmedBy(LIVE, "session.started", LIVE_SESSION),
  },
  "Settings without a call": { tab: "session" },
  Usage: { ...CALL, tab: "usage", usage: { amounts: USED, cost: 0.1843, unpriced: [] } },
  "Usage by time": {
    ...CALL,
    tab: "usage",
    usage: { amounts: { active_seconds: 134.2, standby_seconds: 20 }, cost: null, unpriced: ["standby_minute"] },
  },
  "Usage without a call": { tab: "usage" },
  Devices: {
    ...CALL,
    showsDevices: true,
    devices: [
      { kind: "microphone", id: "m1", name: "Headset with a rather long name of its maker" },
      { kind: "speaker", id: "s1", name: "Desk" },
    ],
  },
  "Audio blocked": { ...CALL, isAudioBlocked: true },
  Markdown: { ...CALL, conversation: RICH, responseTimes: new Map([["a1/r_m1", 640]]) },
  Tools: { ...CALL, conversation: TOOLS },
  "Tools, one open": { ...CALL, conversation: TOOLS, clicks: [".rtc-tool > summary"] },
  "Delegations of GPT-Live": { ...CALL, conversation: DELEGATIONS },
  Interrupted: { ...CALL, conversation: CUT },
  "Right to left": { ...CALL, conversation: RIGHT_TO_LEFT },
  Approval: {
    ...CALL,
    approvals: [{ call_id: "c1", name: "pay", arguments: { amount: 30, to: "Alice" }, seconds: 60 }],
  },
  Note: { ...CALL, problem: problem("rate_limited", "Too many requests.", "The call continues.", false) },
  Reconnecting: { ...CALL, state: LOST, recovery: { number: 0, most: 3, reason: null } },
  "Reconnecting by a new call": { ...CALL, state: LOST, recovery: { number: 1, most: 3, reason: "connection_failed" } },
  "In another window": { ...CALL, isFollowing: true, callTimes: ENDED, roundTripMs: undefined },
  "Call over": { callTimes: ENDED, conversation: ICE },
  "Call lost": {
    state: { ...INITIAL_STATE, status: "error" },
    callTimes: ENDED,
    conversation: ICE,
    problem: problem(
      "connection_failed",
      "The connection to the server was lost.",
      "Check the network and connect again.",
    ),
  },
  "Could not connect": {
    state: { ...INITIAL_STATE, status: "error", microphone_permission: "denied" },
    problem: problem(
      "microphone_denied",
      "The browser refused the microphone.",
      "Allow it for this site, then connect again.",
    ),
  },
  "Kernel gone": { isKernelDead: true, conversation: ICE, callTimes: ENDED },
  Compact: { ...CALL, ...SPEAKS, layout: "compact" },
  "Compact, ready": { layout: "compact" },
  "Compact, muted": { ...CALL, layout: "compact", state: { ...CONNECTED, muted: true } },
  "Events, none": { tab: "events" },
  "Events, a response open": {
    ...CALL,
    events: EVENTS,
    tab: "events",
    clicks: ["li:nth-child(4) > .rtc-event"],
  },
  "Events, one chosen": {
    ...CALL,
    events: EVENTS,
    tab: "events",
    clicks: ["li:nth-child(1) > .rtc-event"],
  },
  "Connection, no call": { tab: "connection" },
  "Connection, in a call": {
    ...CALL,
    diagnosis: { steps: OK.map((name) => step(name, "ok")), pairs: [PAIR], cause: "", hint: "" },
    descriptions: { offer: "v=0", answer: "v=0" },
    explained: EXPLAINED,
    tab: "connection",
    clicks: [".rtc-sdp > summary"],
  },
  "Connection, failed": {
    state: { ...INITIAL_STATE, status: "error", connection_state: "failed", ice_connection_state: "failed" },
    diagnosis: {
      steps: [
        ...OK.map((name) => step(name, "ok")),
        step("ICE found a path", "failed", "failed; candidates: 2 host here, 1 host there; pairs tried: 2"),
        step("DTLS secured it", "not reached", "new"),
        step("The data channel opened", "not reached", "none"),
      ],
      pairs: [],
      cause: "The connection to the server failed.",
      hint: "Check the network and connect again.",
    },
    descriptions: { offer: "v=0", answer: "v=0" },
    tab: "connection",
  },
  "Connection, in another window": { ...CALL, isFollowing: true, tab: "connection" },
};
