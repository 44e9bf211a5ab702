/** The session's settings in server events of GPT-Live; the twin of `LiveSettings` in Python. */

import { type ConfirmedSession, valueAt } from "../../conversation/confirmed_session";
import { isRecord, type JsonObject } from "../../json";

/** Both are fixed at the start of a session. */
const PATHS = { voice: ["audio", "output", "voice"], instructions: ["instructions"] } as const;

export function sessionOf({ type, session }: JsonObject): ConfirmedSession | undefined {
  if ((type !== "session.started" && type !== "session.updated") || !isRecord(session)) return undefined;
  const settings = (["voice", "instructions"] as const).map((name) => ({
    name,
    value: name in session ? session[name] : valueAt(session, PATHS[name]),
    isFixed: true,
  }));
  return { raw: session, settings };
}
