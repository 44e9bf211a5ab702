/** The exchange by a page that posts its offer itself, with a client secret. */

import type { ClientSecret } from "../comm/protocol";
import { pageError, textOf } from "../errors";
import { truncate } from "../json";

/** The answer to an offer that the page posted itself, with a client secret. */
export interface DirectAnswer {
  readonly sdp: string;
  /** Null where the server does not let pages read its `Location` header. */
  readonly callId: string | null;
}

/** Posts the offer; throws `exchange_refused`, `server_unreachable` or the signal's reason. */
export async function postOffer(
  { url, secret }: ClientSecret,
  offer: string,
  signal: AbortSignal,
): Promise<DirectAnswer> {
  const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp", Accept: "application/sdp" };
  // Without `keepalive`: a request that outlives the page would make a call that nobody hangs up.
  const { response, text } = await post(url, { method: "POST", headers, body: offer, signal, credentials: "omit" });
  if (!response.ok) {
    const body = truncate(text.replaceAll(secret, "[secret]").replace(/\s+/g, " "));
    throw pageError("exchange_refused", {
      message: textOf("exchange_refused", { status: response.status, body: body || textOf("empty_body") }),
    });
  }
  const callId = response.headers.get("Location")?.split("?")[0]?.split("/").filter(Boolean).at(-1) ?? null;
  return { sdp: text, callId };
}

async function post(url: string, request: RequestInit & { signal: AbortSignal }) {
  try {
    const response = await fetch(url, request);
    return { response, text: await response.text() };
  } catch (error) {
    request.signal.throwIfAborted();
    // The browser hides the reason: no network, an unknown host, TLS, or CORS.
    throw pageError("server_unreachable", { cause: error });
  }
}
