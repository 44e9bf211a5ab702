/** The call by the kernel's traits, whichever page holds it. */

import { type ReadonlySignal, signal as signalOf } from "@preact/signals";
import type { ErrorReport } from "../errors";
import { isRecord, isText, textOr } from "../json";
import type { Model } from "./model";
import { type CallState, INITIAL_STATE } from "./protocol";

const CALL_TRAITS = [
  "status",
  "connection_state",
  "ice_connection_state",
  "ice_gathering_state",
  "signaling_state",
  "data_channel_state",
] as const satisfies readonly (keyof CallState)[];

export interface KernelState extends Pick<CallState, (typeof CALL_TRAITS)[number]> {
  /** The page that holds the call. */
  readonly active_page: string | null;
  readonly error: ErrorReport | null;
}

/** Follows the traits until the signal ends; a change of several traits is one change of the state. */
export function watchKernelState(model: Model, until: AbortSignal): ReadonlySignal<KernelState> {
  const state = signalOf(read(model));
  const names = [...CALL_TRAITS, "active_page", "error"] as const;
  const onChange = () => {
    const after = read(model);
    if (names.some((name) => after[name] !== state.value[name])) state.value = after;
  };
  for (const name of names) model.on(`change:${name}`, onChange);
  until.addEventListener("abort", () => {
    for (const name of names) model.off(`change:${name}`, onChange);
  });
  return state;
}

function read(model: Model): KernelState {
  // The kernel's own enums, which `tests/contract/protocol.json` holds together with ours.
  const call = Object.fromEntries(CALL_TRAITS.map((name) => [name, textOr(model.get(name), INITIAL_STATE[name])]));
  const page: unknown = model.get("active_page");
  const error: unknown = model.get("error");
  return {
    ...(call as Pick<CallState, (typeof CALL_TRAITS)[number]>),
    active_page: isText(page) ? page : null,
    error: isErrorReport(error) ? error : null,
  };
}

function isErrorReport(value: unknown): value is ErrorReport {
  return isRecord(value) && isText(value.code) && isText(value.message) && isText(value.hint);
}
