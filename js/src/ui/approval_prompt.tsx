/** Asks a person before the model may call a function that wants their leave. */

import type { Question } from "../comm/protocol";
import type { Store } from "../store";

export function QuestionBox({ store }: { store: Store }) {
  // The region stands there before it has words: screen readers announce what changes inside, not what appears.
  return (
    <div class="rtc-questions" role="alert">
      {store.questions.value.map((question) => (
        <Ask key={question.call_id} store={store} question={question} />
      ))}
    </div>
  );
}

function Ask({ store, question }: { store: Store; question: Question }) {
  const given = Object.entries(question.arguments);
  return (
    <div class="rtc-question" data-call-id={question.call_id}>
      <div class="rtc-question-words">
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
      <div class="rtc-question-ways">
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
