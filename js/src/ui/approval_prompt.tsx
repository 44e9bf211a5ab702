/** Asks a person before the model may call a function that needs approval. */

import type { ApprovalRequest } from "../comm/protocol";
import type { Store } from "../store";

export function ApprovalPrompts({ store }: { store: Store }) {
  // The region exists before its content: screen readers announce changes inside it, not its appearance.
  return (
    <div class="rtc-approvals" role="alert">
      {store.approvals.value.map((request) => (
        <ApprovalPrompt key={request.call_id} store={store} request={request} />
      ))}
    </div>
  );
}

function ApprovalPrompt({ store, request }: { store: Store; request: ApprovalRequest }) {
  const args = Object.entries(request.arguments);
  return (
    <div class="rtc-approval" data-call-id={request.call_id}>
      <div class="rtc-approval-text">
        <p>
          May the assistant call <code>{request.name}</code>?
        </p>
        {args.length > 0 && (
          <dl>
            {args.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{format(value)}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
      <div class="rtc-approval-actions">
        <button type="button" class="rtc-button" data-action="deny" onClick={() => store.approve(request, false)}>
          Deny
        </button>
        <button
          type="button"
          class="rtc-button rtc-primary"
          data-action="allow"
          onClick={() => store.approve(request, true)}
        >
          Allow
        </button>
      </div>
    </div>
  );
}

/** The whole value: a person must not approve what they cannot see. */
function format(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
