import { describe, expect, it } from "vitest";
import { MICROPHONE_PERMISSIONS, STATUSES } from "../../src/comm/protocol";
import { durationWords, type Situation, type Words, wordsFor } from "../../src/ui/words";

const IDLE: Situation = {
  status: "idle",
  connection: "new",
  ice: "new",
  isChannelOpen: false,
  isMuted: false,
  input: "microphone",
  pushToTalk: "off",
  isUserSpeaking: false,
  isAssistantSpeaking: false,
  permission: "granted",
  isMicrophoneRequested: false,
  kernel: "ready",
  progress: "",
  hearsNothing: false,
  canCall: true,
  holder: "here",
  recovery: null,
  problem: null,
  lastCall: null,
};
const CONNECTING: Situation = { ...IDLE, status: "connecting" };
const CONNECTED: Situation = { ...IDLE, status: "connected", connection: "connected", isChannelOpen: true };
const LOST: Situation = {
  ...CONNECTED,
  status: "reconnecting",
  connection: "disconnected",
  ice: "disconnected",
  recovery: { number: 1, most: 3, reason: "connection_failed" },
};
const CALL = { seconds: 134, turns: 6 };

const TABLE: readonly [name: string, situation: Situation, expected: Partial<Words>][] = [
  ["before the first call", IDLE, { dot: "off", headline: "Ready", secondLine: "", states: "" }],
  [
    "without a server",
    { ...IDLE, canCall: false, progress: "Set a key." },
    { headline: "No server to call", secondLine: "Set a key." },
  ],
  ["muted before a call", { ...IDLE, isMuted: true }, { headline: "Ready", secondLine: "The microphone is muted." }],
  [
    "blocked before a call",
    { ...IDLE, permission: "denied" },
    {
      secondLine: "The browser blocks the microphone for this page.",
      invitation: "Connect and write. The transcript appears here.",
    },
  ],
  [
    "while the browser asks",
    { ...CONNECTING, isMicrophoneRequested: true, permission: "prompt" },
    { headline: "Waiting for your permission", secondLine: "Allow the microphone in the browser's prompt." },
  ],
  ["while it opens", { ...CONNECTING, isMicrophoneRequested: true }, { headline: "Opening the microphone" }],
  [
    "while models load",
    { ...CONNECTING, progress: "Loading speech recognition (2 of 3) …" },
    { headline: "Loading speech recognition (2 of 3)", secondLine: "" },
  ],
  [
    "while a server starts",
    { ...CONNECTING, progress: "Starting …" },
    { headline: "Connecting", secondLine: "Starting …" },
  ],
  [
    "with a busy kernel",
    { ...CONNECTING, kernel: "busy" },
    { secondLine: "Waiting for the kernel; is a cell running?" },
  ],
  [
    "while ICE checks",
    { ...CONNECTING, connection: "connecting", ice: "checking" },
    { headline: "Connecting", states: "connecting, ICE checking" },
  ],
  [
    "in a call",
    CONNECTED,
    { dot: "on", headline: "Connected", secondLine: "", states: "", invitation: "Say something, or write below." },
  ],
  [
    "muted",
    { ...CONNECTED, isMuted: true },
    { dot: "muted", headline: "Muted", secondLine: "The assistant does not hear you." },
  ],
  [
    "without a microphone",
    { ...CONNECTED, input: "none", isMuted: true },
    { headline: "Connected", invitation: "Write below." },
  ],
  ["with clips", { ...CONNECTED, input: "clips" }, { secondLine: "The assistant hears the clips that Python plays." }],
  [
    "with push-to-talk",
    { ...CONNECTED, pushToTalk: "on" },
    { invitation: "Hold the button and speak, or write below." },
  ],
  ["while it is held", { ...CONNECTED, pushToTalk: "held" }, { invitation: "Listening …" }],
  ["while the person speaks", { ...CONNECTED, isUserSpeaking: true }, { invitation: "Listening …" }],
  [
    "while the assistant begins",
    { ...CONNECTED, isAssistantSpeaking: true },
    { invitation: "The assistant speaks first." },
  ],
  [
    "while WebRTC tries by itself",
    { ...LOST, recovery: { number: 0, most: 3, reason: null } },
    { headline: "Reconnecting" },
  ],
  [
    "while another call is made",
    LOST,
    {
      dot: "busy",
      headline: "Reconnecting (1 of 3, the connection was lost)",
      states: "disconnected, ICE disconnected",
    },
  ],
  [
    "after a session",
    { ...LOST, recovery: { number: 1, most: 3, reason: "session_expired" } },
    { headline: "Reconnecting (1 of 3, the session expired)" },
  ],
  ["after a call", { ...IDLE, lastCall: CALL }, { dot: "off", headline: "Call over: 2 min 14 s, 6 turns" }],
  [
    "after a lost call",
    { ...IDLE, status: "error", lastCall: { seconds: 4, turns: 1 } },
    { dot: "bad", headline: "Call over: 4 s, 1 turn" },
  ],
  ["where no call was made", { ...IDLE, status: "error" }, { dot: "bad", headline: "Could not connect" }],
  [
    "without a kernel",
    { ...IDLE, kernel: "gone" },
    { dot: "bad", headline: "Kernel gone", secondLine: "This widget has lost its kernel. Run its cell again." },
  ],
  [
    "where the error says so",
    { ...IDLE, kernel: "gone", problem: "kernel_died" },
    { headline: "Kernel gone", secondLine: "" },
  ],
  [
    "in another window",
    { ...CONNECTED, holder: "elsewhere", isMuted: true },
    {
      dot: "on",
      headline: "Connected in another window",
      secondLine: "The call is in another window; this view follows it.",
    },
  ],
];

describe("the words", () => {
  it.each(TABLE)("%s", (_, situation, expected) => {
    expect(wordsFor(situation)).toMatchObject(expected);
  });

  it.each([
    [0.4, "0 s"],
    [59.6, "1 min 0 s"],
    [134, "2 min 14 s"],
    [3_720, "1 h 2 min"],
  ])("give %f seconds as %s", (seconds, words) => {
    expect(durationWords(seconds)).toBe(words);
  });
});

const FLAGS = [false, true] as const;

/** All situations of a state machine that is at most as consistent as this: the statuses alone decide about the rest. */
function* situations(): Generator<Situation> {
  for (const status of STATUSES)
    for (const isMuted of FLAGS)
      for (const input of ["microphone", "clips", "none"] as const)
        for (const pushToTalk of ["off", "on", "held"] as const)
          for (const isUserSpeaking of FLAGS)
            for (const isAssistantSpeaking of FLAGS)
              for (const permission of MICROPHONE_PERMISSIONS)
                for (const isMicrophoneRequested of FLAGS)
                  for (const kernel of ["ready", "busy", "gone"] as const)
                    for (const holder of ["here", "elsewhere"] as const)
                      for (const canCall of FLAGS)
                        for (const lastCall of [null, CALL])
                          for (const recovery of [null, LOST.recovery])
                            for (const progress of ["", "Starting …"])
                              yield {
                                ...IDLE,
                                status,
                                isMuted,
                                input,
                                pushToTalk,
                                isUserSpeaking,
                                isAssistantSpeaking,
                                permission,
                                isMicrophoneRequested,
                                kernel,
                                holder,
                                canCall,
                                lastCall,
                                recovery,
                                progress,
                                isChannelOpen: status === "connected",
                                connection: isMuted && status === "connecting" ? "new" : "connecting",
                              };
}

/** The situations where a rule does not hold; a few are enough to see why. */
function broken(holds: (words: Words, situation: Situation) => boolean): object[] {
  const found: object[] = [];
  for (const situation of situations()) {
    const words = wordsFor(situation);
    if (!holds(words, situation)) found.push({ words, situation });
    if (found.length === 3) break;
  }
  return found;
}

describe("in every situation", () => {
  it("there is a short headline, and no hole in any text", () => {
    expect(
      broken(({ headline, invitation, placeholder, ...rest }, { kernel }) => {
        const all = Object.values({ headline, invitation, placeholder, ...rest }).join("\n");
        const isWhole = headline !== "" && placeholder !== "" && (invitation !== "" || kernel === "gone");
        return isWhole && headline.length <= 60 && !/undefined|null|NaN|\(\)/.test(all);
      }),
    ).toEqual([]);
  });

  it("only who can be heard and is silent is asked to say something", () => {
    expect(
      broken(({ invitation }, is) => {
        const canBeHeard =
          is.status === "connected" &&
          is.holder === "here" &&
          is.kernel !== "gone" &&
          is.input === "microphone" &&
          !is.isMuted;
        const isSilent = !is.isUserSpeaking && !is.isAssistantSpeaking && is.pushToTalk === "off";
        return invitation.includes("Say something") === (canBeHeard && isSilent);
      }),
    ).toEqual([]);
  });

  it("nobody without a microphone is told to talk", () => {
    expect(
      broken(({ invitation, secondLine }, { input }) => {
        return input === "microphone" || !/\b(talk|speak|say|unmute|muted)\b/i.test(`${invitation} ${secondLine}`);
      }),
    ).toEqual([]);
  });

  it("a dead kernel comes before all else", () => {
    const isSaid = ({ headline, dot }: Words) => headline === "Kernel gone" && dot === "bad";
    expect(broken((words, { kernel }) => isSaid(words) === (kernel === "gone"))).toEqual([]);
  });

  it("another window's microphone is not called muted", () => {
    expect(
      broken(({ headline, dot }, { holder }) => holder === "here" || (headline !== "Muted" && dot !== "muted")),
    ).toEqual([]);
  });

  it("the W3C states are shown while they change, and no longer", () => {
    expect(
      broken(({ states }, { status, kernel, connection }) => {
        const isChanging = (status === "connecting" || status === "reconnecting") && connection !== "new";
        return (states !== "") === (isChanging && kernel !== "gone");
      }),
    ).toEqual([]);
  });

  it("a message is invited where it can be sent at once", () => {
    expect(
      broken(({ placeholder }, { isChannelOpen, holder, kernel }) => {
        return (placeholder === "Write a message") === (isChannelOpen && holder === "here" && kernel !== "gone");
      }),
    ).toEqual([]);
  });
});
