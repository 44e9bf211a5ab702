/** What all calls have used, and what that costs where prices are known. */

import type { UsageTotals } from "../../conversation/usage_totals";
import type { Store } from "../../store";
import { clockTime } from "../meters";

/** Other kinds are shown by their names in Python. */
const KINDS: Readonly<Record<string, string>> = {
  text_input: "Text in",
  audio_input: "Audio in",
  image_input: "Images in",
  cached_text_input: "Text in, cached",
  cached_audio_input: "Audio in, cached",
  cached_image_input: "Images in, cached",
  text_output: "Text out",
  audio_output: "Audio out",
  transcription_input: "Transcription in",
  transcription_output: "Transcription out",
  transcription_seconds: "Transcription",
  active_seconds: "Active",
  standby_seconds: "Standby",
};

export function UsageTab({ store }: { store: Store }) {
  const usage = store.usage.value;
  const entries = Object.entries(usage.amounts);
  if (entries.length === 0) return <p class="rtc-tab-note">Nothing used yet. Servers report usage after a response.</p>;
  return (
    <div class="rtc-usage">
      <table>
        <thead>
          <tr>
            <th scope="col">All calls of this widget</th>
            <th scope="col">Used</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(([kind, amount]) => (
            <tr key={kind} data-kind={kind}>
              <th scope="row">{KINDS[kind] ?? kind.replaceAll("_", " ")}</th>
              <td>{amountText(kind, amount)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="rtc-cost">{costText(usage)}</p>
    </div>
  );
}

function amountText(kind: string, amount: number): string {
  const seconds = `${Number(amount.toFixed(1))} s`;
  if (kind.endsWith("_seconds")) return amount < 60 ? seconds : `${clockTime(amount)} (${seconds})`;
  return `${amount.toLocaleString("en")} ${amount === 1 ? "token" : "tokens"}`;
}

function costText({ cost, unpriced }: UsageTotals): string {
  if (cost !== null) return `Cost: ${costDigits(cost)}, in the currency of chat.prices`;
  if (unpriced.length > 0) return `The cost is unknown: chat.prices has no price for ${unpriced.join(", ")}.`;
  return "The cost is unknown: set chat.prices in Python.";
}

/** A call may cost less than a cent. */
function costDigits(cost: number): string {
  const digits = cost > 0 && cost < 1 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 2 };
  return cost.toLocaleString("en", { minimumFractionDigits: 2, ...digits });
}
