/** What a server says when it is about to end a call, so that its end can be told from a broken line. */

import { isRecord, isText } from "../../comm/protocol";
import { pageError, type RtcWidgetError } from "../../errors";
import { quoted } from "../../json";

/** The reason for the end of the call that an event announces, if it does. */
export function sessionExpiredError(text: string): RtcWidgetError | undefined {
  // Parsing every event twice would cost more than all the rest here.
  if (!text.includes("session_expired")) return undefined;
  try {
    const event: unknown = JSON.parse(text);
    if (!isRecord(event) || event.type !== "error" || !isRecord(event.error)) return undefined;
    const { code, message } = event.error;
    if (code !== "session_expired") return undefined;
    return isText(message) ? pageError("session_expired", { message: quoted(message) }) : pageError("session_expired");
  } catch {
    return undefined;
  }
}
