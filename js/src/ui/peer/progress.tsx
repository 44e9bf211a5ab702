/** How far gathering, ICE, DTLS and the whole connection are: a row of steps each. */

import type { PeerStates } from "../../peer/store";

interface Track {
  readonly name: string;
  readonly state: keyof PeerStates;
  /** The states of a connection that succeeds, in order. */
  readonly steps: readonly string[];
}

const TRACKS: readonly Track[] = [
  { name: "ICE gathering", state: "ice_gathering_state", steps: ["new", "gathering", "complete"] },
  { name: "ICE connection", state: "ice_connection_state", steps: ["new", "checking", "connected"] },
  { name: "DTLS", state: "dtls_state", steps: ["new", "connecting", "connected"] },
  { name: "Connection", state: "connection_state", steps: ["new", "connecting", "connected"] },
];

const BAD: ReadonlySet<string> = new Set(["disconnected", "failed", "closed"]);

export function Progress({ states }: { states: PeerStates }) {
  return (
    <dl class="rtc-progress-list">
      {TRACKS.map(({ name, state, steps }) => {
        const current = states[state];
        // Firefox and aiortc say "completed" where Chromium stays with "connected".
        const reached = current === "completed" ? steps.length - 1 : steps.indexOf(current);
        const tone = BAD.has(current) ? "bad" : reached === steps.length - 1 ? "on" : reached > 0 ? "busy" : "off";
        return (
          <div key={name} class="rtc-step-row" data-track={state} data-tone={tone}>
            <dt>{name}</dt>
            <dd>
              <span class="rtc-steps" aria-hidden="true">
                {steps.map((step, index) => (
                  <i key={step} data-reached={tone !== "bad" && index <= reached} />
                ))}
              </span>
              <span class="rtc-step-name">{current}</span>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
