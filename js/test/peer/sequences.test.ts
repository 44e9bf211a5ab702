/**
 * In which order the events of a connection come, as `tests/contract/peer_sequences.json` says; the headless page follows it.
 *
 * The name before the colon is that of a script below; each name after it is a part of what the script shows. An event is the
 * kind of its object, its name, and the new state or what else distinguishes it. Each list is a chain of steps; the events
 * of one step may come in any order, and all of them come before those of the next. An event that comes several times counts
 * where it comes first, and events that a list does not name may come at any place.
 */

import { describe, expect, it } from "vitest";
import contract from "../../../tests/contract/peer_sequences.json";
import type { PeerEvent } from "../../src/peer/messages";
import { type DrivenPeer, type Json, negotiate, newPeer, trickle } from "./peers";

type Side = "offerer" | "answerer";
type Recorded = Record<Side, string[]>;

const STATES: Readonly<Record<string, string>> = {
  signalingstatechange: "signaling_state",
  icegatheringstatechange: "ice_gathering_state",
  iceconnectionstatechange: "ice_connection_state",
  connectionstatechange: "connection_state",
  statechange: "state",
  gatheringstatechange: "gathering_state",
};

/** The pairs that are tried depend on the machine's interfaces; operations are not events of the connection. */
const UNORDERED = new Set(["operation", "pairs", "selectedcandidatepairchange", "icecandidateerror"]);

/** The events from a number on, each by its first occurrence. */
function sequence(events: readonly PeerEvent[], from = 0): string[] {
  const objects: Record<string, Json> = {};
  const found = new Set<string>();
  events.forEach(([, source, name, payload, changes], index) => {
    for (const [handle, changed] of Object.entries(changes)) objects[handle] = { ...objects[handle], ...changed };
    if (index < from || UNORDERED.has(name)) return;
    const state = STATES[name];
    const [kind = ""] = source.split(":");
    const isLast = name === "icecandidate" && !(payload as Json).candidate;
    const detail = state === undefined ? (isLast ? "null" : "") : String(objects[source]?.[state]);
    found.add(`${kind} ${name} ${detail}`.trim());
  });
  return [...found];
}

/** Both sides have reached a state, and a candidate `null`. */
async function connected(...peers: DrivenPeer[]): Promise<void> {
  for (const peer of peers) {
    await peer.until(() => {
      expect(peer.pc.connection_state).toBe("connected");
      expect(peer.objects["channel:1"]?.ready_state).toBe("open");
      expect(peer.pc.ice_gathering_state).toBe("complete");
      expect(sequence(peer.events)).toContain("pc icecandidate null");
    });
  }
}

async function gathered(peer: DrivenPeer): Promise<Json> {
  await peer.until(() => expect(sequence(peer.events)).toContain("pc icecandidate null"));
  return peer.pc.local_description as Json;
}

/** Connects without trickle: the descriptions hold all candidates. */
async function dataChannel(): Promise<[DrivenPeer, DrivenPeer]> {
  const offerer = await newPeer();
  const answerer = await newPeer();
  await offerer.call("create_data_channel", { label: "chat", options: {} });
  await offerer.until(() => expect(offerer.of("negotiationneeded")).toHaveLength(1));
  await offerer.call("set_local_description", { description: await offerer.call("create_offer") });
  await answerer.call("set_remote_description", { description: await gathered(offerer) });
  await answerer.call("set_local_description", { description: await answerer.call("create_answer") });
  await offerer.call("set_remote_description", { description: await gathered(answerer) });
  await connected(offerer, answerer);
  return [offerer, answerer];
}

const SCRIPTS: Readonly<Record<string, () => Promise<Recorded>>> = {
  async "data channel"() {
    const [offerer, answerer] = await dataChannel();
    return { offerer: sequence(offerer.events), answerer: sequence(answerer.events) };
  },

  async "tone and channel with trickle"() {
    const offerer = await newPeer();
    const answerer = await newPeer();
    trickle(offerer, answerer);
    trickle(answerer, offerer);
    await offerer.call("create_data_channel", { label: "chat", options: {} });
    await offerer.call("add_track", { media: { kind: "tone", hz: 440 } });
    await offerer.until(() => expect(offerer.of("negotiationneeded")).toHaveLength(1));
    await negotiate(offerer, answerer);
    await connected(offerer, answerer);
    await answerer.until(() => expect(answerer.of("unmute")).toHaveLength(1));
    return { offerer: sequence(offerer.events), answerer: sequence(answerer.events) };
  },

  async "remote close"() {
    const [offerer, answerer] = await dataChannel();
    const from = { offerer: offerer.events.length, answerer: answerer.events.length };
    await answerer.call("close");
    await offerer.until(() => expect(offerer.pc.connection_state).toBe("disconnected"));
    await answerer.until(() => expect(answerer.of("close")).toHaveLength(1));
    return {
      offerer: sequence(offerer.events, from.offerer),
      answerer: sequence(answerer.events, from.answerer),
    };
  },
};

const scripts = [...new Set(Object.keys(contract).map((name) => name.split(":")[0] ?? ""))];

describe("the events of a connection", () => {
  it("are listed for each script", () => {
    expect(scripts.sort()).toEqual(Object.keys(SCRIPTS).sort());
  });

  it.each(scripts)("come in the listed order: %s", async (script) => {
    const recorded = await SCRIPTS[script]?.();
    for (const side of ["offerer", "answerer"] as const) {
      for (const [name, sides] of Object.entries(contract)) {
        if (name.split(":")[0] !== script) continue;
        const steps: readonly (readonly string[])[] = sides[side];
        const named = steps.flat();
        const happened = (recorded?.[side] ?? []).filter((event) => named.includes(event));
        const inSteps = steps.map(({ length }) => happened.splice(0, length).sort());
        expect(inSteps, `${name}, ${side}`).toEqual(steps.map((step) => [...step].sort()));
      }
    }
  });
});
