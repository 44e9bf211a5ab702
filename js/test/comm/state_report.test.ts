import { beforeEach, expect, it } from "vitest";
import { nextTask } from "../../src/async";
import { type CallState, INITIAL_STATE, type PageMessage } from "../../src/comm/protocol";
import { StateReport } from "../../src/comm/state_report";

let state: CallState = INITIAL_STATE;
let attempt: string | null = null;
let posted: Extract<PageMessage, { type: "state" }>[] = [];
let report: StateReport;

const change = (changes: Partial<CallState>) => {
  const before = state;
  state = { ...state, ...changes };
  report.onChange(state, before);
};
const states = () => posted.map(({ state }) => [state.connection_state, state.ice_connection_state]);
const task = () => new Promise<void>((resolve) => nextTask(resolve));

beforeEach(() => {
  state = INITIAL_STATE;
  attempt = "a1";
  posted = [];
  report = new StateReport(
    () => ({ state, attempt, resumes: false, heard_until_ms: null }),
    (snapshot) => posted.push(snapshot),
  );
  report.send();
  posted = [];
});

it("reports together what changes in one task", async () => {
  change({ ice_connection_state: "checking" });
  change({ connection_state: "connecting" });
  expect(posted).toEqual([]);
  await task();
  expect(states()).toEqual([["connecting", "checking"]]);
});

it("leaves out no state that a busy page passes through in one task", async () => {
  change({ ice_connection_state: "checking", connection_state: "connecting" });
  change({ connection_state: "connected" });
  await task();
  expect(states()).toEqual([
    ["connecting", "checking"],
    ["connected", "checking"],
  ]);
  expect(posted.map(({ seq }) => seq)).toEqual([2, 3]);
});

it("leaves out no state when the status changes with the next one", () => {
  change({ connection_state: "connecting" });
  change({ connection_state: "connected", status: "connected" });
  expect(states().map(([connection]) => connection)).toEqual(["connecting", "connected"]);
});

it("reports the last states of an attempt that has ended under its own name", () => {
  change({ connection_state: "connecting" });
  attempt = null;
  change({ connection_state: "closed" });
  expect(posted.map(({ attempt, state }) => [attempt, state.connection_state])).toEqual([
    ["a1", "connecting"],
    [null, "closed"],
  ]);
});
