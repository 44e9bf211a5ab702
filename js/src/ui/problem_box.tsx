/** What went wrong and what to do about it. */

import type { Store } from "../store";
import { CloseIcon } from "./icons";

export function ProblemBox({ store }: { store: Store }) {
  const problem = store.problem.value;
  // The alert stands there before it has words: screen readers announce what changes inside, not what appears.
  return (
    <div class="rtc-alert" role="alert">
      {problem && (
        <div class="rtc-error" data-code={problem.code} data-ends-call={problem.endsCall}>
          <div class="rtc-error-words">
            <p class="rtc-error-message">{problem.message}</p>
            {problem.hint !== "" && <p class="rtc-error-hint">{problem.hint}</p>}
          </div>
          {problem.endsCall && (
            <button type="button" class="rtc-button" data-action="retry" onClick={store.connect}>
              Try again
            </button>
          )}
          <button
            type="button"
            class="rtc-button rtc-icon-button rtc-quiet"
            data-action="dismiss"
            aria-label="Dismiss"
            title="Dismiss"
            onClick={store.dismiss}
          >
            <CloseIcon />
          </button>
        </div>
      )}
    </div>
  );
}
