/** Asks a person before the model may call a function that wants their leave. */

import type { ApprovalRequest } from "../comm/protocol";
import type { Store } from "../store";

export function ApprovalPrompts({ store }: { store: Store }) {
  // The region stands there before it has words: screen readers announce what changes inside, not what appears.
  return (
    <div class="rtc-approvals" role="alert">
      {store.questions.value.map((question) => (
        <Ask key={question.call_id} store={store} question={question} />
      ))}
    </div>
  );
}

function Ask({ store, question }: { store: Store; question: ApprovalRequest }) {
  const given = Object.entries(question.arguments);
  return (
    <div class="rtc-approval" data-call-id={question.call_id}>
      <div class="rtc-approval-text">
        <p>
          May the assistant call <code>{question.name}</code>?
        </p>
        {given.length > 0 && (
          <dl>
            {given.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{shown(value)}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
      <div class="rtc-approval-actions">
        <button type="button" class="rtc-button" data-action="deny" onClick={() => store.answer(question, false)}>
          Deny
        </button>
        <button
          type="button"
          class="rtc-button rtc-primary"
          data-action="allow"
          onClick={() => store.answer(question, true)}
        >
          Allow
        </button>
      </div>
    </div>
  );
}

/** All of it, however long: what is not shown would be allowed unseen. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
