/** Server events of the Realtime API as facts. */

import type { Fact } from "../../conversation/facts";
import { isRecord, isText, type JsonObject } from "../../json";
import { noteOf } from "./notes";
import { sessionExpiredError } from "./session_expired";
import { SPEAKING_EVENTS, speakingFact } from "./speaking";

const FUNCTION_CALL = "function_call";

type Reader = (event: JsonObject) => Fact | undefined;

const SESSION: readonly Reader[] = [turnDetectionFact, expiryFact];
const SPEAKING: readonly Reader[] = [speakingFact];
const NONE: readonly Fact[] = [];

/** What reads which event; nothing is done for all others, which are by far the most. */
const READERS: ReadonlyMap<unknown, readonly Reader[]> = new Map([
  ["session.created", SESSION],
  ["session.updated", SESSION],
  ...SPEAKING_EVENTS.map((type) => [type, SPEAKING] as const),
  ["response.created", [responseFact]],
  ["response.done", [responseFact, noteFact]],
  ["error", [endingFact, noteFact]],
]);

export function factsOf(event: JsonObject): readonly Fact[] {
  const readers = READERS.get(event.type);
  return readers ? readers.map((read) => read(event)).filter((fact) => fact !== undefined) : NONE;
}

function turnDetectionFact({ session }: JsonObject): Fact | undefined {
  const isEnabled = detectsTurns(session);
  return isEnabled === undefined ? undefined : { type: "turn_detection", isEnabled };
}

/**
 * Whether the server detects the end of the user's turns; undefined where the session does not say.
 *
 * Servers that state null for every setting of the input audio (Hugging Face speech-to-speech) have not set any: they do.
 */
function detectsTurns(session: unknown): boolean | undefined {
  if (!isRecord(session)) return undefined;
  const input = isRecord(session.audio) ? session.audio.input : undefined;
  const isBeta = !isRecord(input); // the beta has them at the top
  const settings = isBeta ? session : input;
  const { turn_detection: detection } = settings;
  if (detection !== null) return detection === undefined ? undefined : true;
  const others = Object.entries(settings).filter(([name]) =>
    isBeta ? name.startsWith("input_audio_") : name !== "turn_detection",
  );
  return others.length > 0 && others.every(([, value]) => value === null);
}

/** Servers without a limit send 0 or nothing. */
function expiryFact({ session }: JsonObject): Fact | undefined {
  const seconds = isRecord(session) ? session.expires_at : undefined;
  const isTime = typeof seconds === "number" && Number.isFinite(seconds) && seconds > 0;
  return isTime ? { type: "session_expiry", atMs: seconds * 1_000 } : undefined;
}

function responseFact({ type, response }: JsonObject): Fact | undefined {
  if (!isRecord(response)) return undefined;
  if (type === "response.done") {
    const { id, output } = response;
    const callsFunctions =
      Array.isArray(output) && output.some((item) => isRecord(item) && item.type === FUNCTION_CALL);
    return { type: "response_ended", id: String(id), callsFunctions };
  }
  // A response outside the conversation is not interrupted by push-to-talk.
  const isOurs = type === "response.created" && response.conversation_id !== null;
  return isOurs && isText(response.id) ? { type: "response_started", id: response.id } : undefined;
}

function endingFact(event: JsonObject): Fact | undefined {
  const error = sessionExpiredError(event);
  return error && { type: "ending", error };
}

function noteFact(event: JsonObject): Fact | undefined {
  const note = noteOf(event);
  return note && { type: "note", note };
}
