/** The settings of a session as the server has confirmed them. */

import { isRecord, type JsonObject } from "../json";

/** The settings that a person may change on the page, by their names in Python. */
export const SETTING_NAMES = ["voice", "instructions", "speed", "turn_detection"] as const;
export type SettingName = (typeof SETTING_NAMES)[number];

export interface SessionSetting {
  readonly name: SettingName;
  /** Undefined where the server does not state it. */
  readonly value: unknown;
  /** Whether it is fixed at the start of the session. */
  readonly isFixed: boolean;
}

export interface ConfirmedSession {
  /** As the server has sent it. */
  readonly raw: JsonObject;
  /** Those that the protocol has. */
  readonly settings: readonly SessionSetting[];
}

/** Returns the value at a path of a JSON object; undefined where there is none. */
export function valueAt(json: JsonObject, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), json);
}
