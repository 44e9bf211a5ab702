/** The last error, its hint, and the actions that may help. */

import { useState } from "preact/hooks";
import type { Diagnosis } from "../call/diagnosis";
import type { Problem } from "../conversation/problem";
import { helpPage } from "../host";
import type { Store } from "../store";
import { CloseIcon } from "./icons";

export function ErrorBanner({ store }: { store: Store }) {
  const problem = store.problem.value;
  // The alert exists before its content: screen readers announce changes inside it, not its appearance.
  return (
    <div class="rtc-alert" role="alert">
      {problem && (
        <div class="rtc-error" data-code={problem.code} data-ends-call={problem.endsCall}>
          <div class="rtc-error-text">
            <p class="rtc-error-message">{problem.message}</p>
            {problem.hint !== "" && <p class="rtc-error-hint">{problem.hint}</p>}
            <HelpLink problem={problem} />
            {problem.endsCall && problem.code !== "call_taken_over" && (
              <DiagnosisDetails key={problem.message} store={store} />
            )}
          </div>
          {problem.endsCall && <ErrorActions store={store} problem={problem} />}
          <button
            type="button"
            class="rtc-button rtc-icon-button rtc-quiet"
            data-action="dismiss"
            aria-label="Dismiss"
            title="Dismiss"
            onClick={thenFocusCallButton(store.dismiss)}
          >
            <CloseIcon />
          </button>
        </div>
      )}
    </div>
  );
}

/** Try again, continue an earlier conversation, or connect without a microphone if the microphone is the problem. */
function ErrorActions({ store, problem }: { store: Store; problem: Problem }) {
  // The header offers to take the call over, or says that the kernel is dead.
  if (store.isFollowing.value || store.isKernelDead.value) return null;
  return (
    <div class="rtc-error-actions">
      <button
        type="button"
        class="rtc-button"
        data-action="retry"
        onClick={thenFocusCallButton(() => store.connectAgain())}
      >
        Try again
      </button>
      {store.conversation.value.calls.length > 0 && (
        <button
          type="button"
          class="rtc-button"
          data-action="resume"
          title="Make a new call that continues the conversation"
          onClick={thenFocusCallButton(() => store.connectAgain({ resumes: true }))}
        >
          Continue
        </button>
      )}
      {isAboutMicrophone(problem) && (
        <button
          type="button"
          class="rtc-button"
          data-action="listen"
          onClick={thenFocusCallButton(() => store.connectAgain({ microphone: false }))}
        >
          Connect without a microphone
        </button>
      )}
    </div>
  );
}

/** The buttons here vanish with the error; without a new target, keyboard focus would go to the top of the page. */
function thenFocusCallButton(act: () => void) {
  return ({ currentTarget }: { currentTarget: HTMLElement }) => {
    const next = currentTarget.closest(".rtc-widget")?.querySelector<HTMLElement>(".rtc-controls > :last-child");
    act();
    next?.focus();
  };
}

function HelpLink({ problem }: { problem: Problem }) {
  const page = helpPage(problem.code);
  if (!page) return null;
  return (
    <a class="rtc-help" href={page.link} target="_blank" rel="noreferrer">
      {page.text}
    </a>
  );
}

function isAboutMicrophone({ code }: Problem): boolean {
  return code.startsWith("microphone_") || code === "insecure_context" || code === "media_unavailable";
}

/** The steps of the call and where it stopped, on demand. */
function DiagnosisDetails({ store }: { store: Store }) {
  const [diagnosis, setDiagnosis] = useState<Diagnosis | null>(null);
  return (
    <details
      class="rtc-diagnosis"
      onToggle={({ currentTarget }) => {
        if (currentTarget.open) void store.diagnose().then(setDiagnosis, () => {});
      }}
    >
      <summary>What was tried</summary>
      <ol>
        {diagnosis?.steps.map(({ name, outcome, detail }) => (
          <li key={name} data-outcome={outcome}>
            <span>{name}</span> {detail}
          </li>
        ))}
      </ol>
      {diagnosis !== null && diagnosis.pairs.length > 0 && (
        <ul aria-label="Candidate pairs">
          {diagnosis.pairs.map(({ local, remote, protocol, state, sent, answered }, index) => (
            <li key={index} data-state={state}>
              {local} → {remote} ({protocol}): {state}, {sent} checks sent, {answered} answered
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}
