/** The session's settings in server events of the Realtime API; the twin of `Session` in Python. */

import { type ConfirmedSession, SETTING_NAMES, type SettingName, valueAt } from "../../conversation/confirmed_session";
import { isRecord, type JsonObject } from "../../json";

const PATHS: Readonly<Record<SettingName, readonly string[]>> = {
  voice: ["audio", "output", "voice"],
  instructions: ["instructions"],
  speed: ["audio", "output", "speed"],
  turn_detection: ["audio", "input", "turn_detection"],
};

export function sessionOf({ type, session }: JsonObject): ConfirmedSession | undefined {
  if ((type !== "session.created" && type !== "session.updated") || !isRecord(session)) return undefined;
  // The beta has all settings at the top.
  const read = (name: SettingName) => (name in session ? session[name] : valueAt(session, PATHS[name]));
  return { raw: session, settings: SETTING_NAMES.map((name) => ({ name, value: read(name), isFixed: false })) };
}
