/** The server's announcement that it ends a session that has reached its longest duration. */

import { pageError, type RtcWidgetError } from "../../errors";
import { isRecord, isText, type JsonObject, truncate } from "../../json";

export function sessionExpiredError({ type, error }: JsonObject): RtcWidgetError | undefined {
  if (type !== "error" || !isRecord(error) || error.code !== "session_expired") return undefined;
  return pageError("session_expired", isText(error.message) ? { message: truncate(error.message) } : {});
}
