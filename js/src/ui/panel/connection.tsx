/** How the call is connected: the W3C states, the steps of `diagnose()`, the candidate pair, and the offer and the answer. */

import { useEffect, useState } from "preact/hooks";
import type { Diagnosis, Outcome } from "../../call/diagnosis";
import type { CandidatePair } from "../../call/ice_pairs";
import type { CallState } from "../../comm/protocol";
import type { Store } from "../../store";
import { ExplainedSdp } from "./explained_sdp";

/** The states of an `RTCPeerConnection` (W3C WebRTC, `RTCPeerConnectionState`). */
const CONNECTION_STATES = ["new", "connecting", "connected", "disconnected", "failed", "closed"] as const;

export function ConnectionTab({ store }: { store: Store }) {
  const [showsPrivate, setShowsPrivate] = useState(false);
  const diagnosis = useDiagnosis(store);
  const state = store.state.value;
  if (store.isFollowing.value) {
    return (
      <div class="rtc-connection-tab">
        <States state={state} />
        <p class="rtc-tab-note">The call is in another window; its steps, its path and its descriptions are there.</p>
      </div>
    );
  }
  const { offer, answer } = store.descriptions();
  const pair = diagnosis?.pairs.find(({ selected }) => selected);
  return (
    <div class="rtc-connection-tab">
      <States state={state} />
      {diagnosis && <Steps diagnosis={diagnosis} />}
      <h4>Candidate pair in use</h4>
      {pair ? (
        <Pair pair={pair} roundTripMs={store.roundTripMs.value} showsPrivate={showsPrivate} />
      ) : (
        <p class="rtc-tab-note">None yet: ICE chooses one when the sides have reached each other.</p>
      )}
      <h4>Offer and answer</h4>
      {offer === "" && <p class="rtc-tab-note">None yet: a call begins with an offer.</p>}
      {offer !== "" && (
        <ExplainedSdp title="Offer" sdp={offer} showsPrivate={showsPrivate} explain={store.explainSdp} />
      )}
      {answer !== "" && (
        <ExplainedSdp title="Answer" sdp={answer} showsPrivate={showsPrivate} explain={store.explainSdp} />
      )}
      {(pair || offer !== "") && (
        <button
          type="button"
          class="rtc-link"
          data-action="show-private"
          aria-pressed={showsPrivate}
          onClick={() => setShowsPrivate(!showsPrivate)}
        >
          {showsPrivate ? "Hide" : "Show"} addresses, ICE passwords and fingerprints
        </button>
      )}
    </div>
  );
}

/** Diagnoses again at each change of the state, and with each measurement of the round-trip time. */
function useDiagnosis(store: Store): Diagnosis | undefined {
  const [diagnosis, setDiagnosis] = useState<Diagnosis>();
  const state = store.state.value;
  const roundTripMs = store.roundTripMs.value;
  useEffect(() => {
    // Without the list of devices the diagnosis fails; the states are still shown.
    store.diagnose().then(setDiagnosis, () => {});
  }, [store, state, roundTripMs]);
  return diagnosis;
}

function States({ state }: { state: CallState }) {
  const others = [
    ["ICE connection", state.ice_connection_state],
    ["ICE gathering", state.ice_gathering_state],
    ["Signaling", state.signaling_state],
    ["Data channel", state.data_channel_state],
  ] as const;
  return (
    <>
      <ol class="rtc-connection-states" aria-label="State of the connection">
        {CONNECTION_STATES.map((one) => (
          <li key={one} aria-current={one === state.connection_state ? "step" : undefined}>
            {one}
          </li>
        ))}
      </ol>
      <dl class="rtc-states">
        {others.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

const MARKS: Readonly<Record<Outcome, string>> = { ok: "✓", failed: "✗", "not reached": "○" };

function Steps({ diagnosis: { steps, cause, hint } }: { diagnosis: Diagnosis }) {
  return (
    <>
      <h4>Steps of the call</h4>
      <ol class="rtc-steps">
        {steps.map(({ name, outcome, detail }) => (
          <li key={name} data-outcome={outcome}>
            <span class="rtc-step-mark" role="img" aria-label={outcome}>
              {MARKS[outcome]}
            </span>
            <span>{name}</span>
            {outcome !== "not reached" && detail !== "" && <span class="rtc-step-detail">{detail}</span>}
          </li>
        ))}
      </ol>
      {cause !== "" && (
        <p class="rtc-tab-note">
          {cause} {hint}
        </p>
      )}
    </>
  );
}

interface PairProps {
  readonly pair: CandidatePair;
  readonly roundTripMs: number | undefined;
  readonly showsPrivate: boolean;
}

function Pair({ pair, roundTripMs, showsPrivate }: PairProps) {
  const { local, remote, protocol, state, sent, answered } = pair;
  const side = (candidate: string) => (showsPrivate ? candidate : (candidate.split(" ")[0] ?? ""));
  return (
    <dl class="rtc-states">
      {[
        ["Here", side(local)],
        ["There", side(remote)],
        ["Protocol", protocol],
        ["Round trip", roundTripMs === undefined ? "not measured" : `${Math.round(roundTripMs)} ms`],
        ["Checks", `${answered} of ${sent} answered, ${state}`],
      ].map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
