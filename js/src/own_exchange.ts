/** The exchange made by the page itself, with a short-lived secret that the kernel has minted; the key stays with the kernel. */

import { pageError } from "./errors";
import type { Pass } from "./protocol";
import { quoted } from "./quote";

export interface OwnAnswer {
  readonly sdp: string;
  /** Null where the server does not let pages read its `Location` header. */
  readonly callId: string | null;
}

/** Posts the offer; throws `exchange_refused`, `server_unreachable` or the signal's reason. */
export async function exchangeHere({ url, secret }: Pass, offer: string, signal: AbortSignal): Promise<OwnAnswer> {
  const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp", Accept: "application/sdp" };
  // Without `keepalive`: a request that outlived the page would make a call whose id nobody reads, so that nobody hangs it up.
  const { response, text } = await post(url, { method: "POST", headers, body: offer, signal, credentials: "omit" });
  if (!response.ok) {
    const words = quoted(text.replaceAll(secret, "[secret]").replace(/\s+/g, " "));
    throw pageError("exchange_refused", { message: `The server answered ${response.status}: ${words || "no words"}` });
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
    // The browser hides why: no network, no such host, TLS, or a server that answers no pages of other origins (CORS).
    throw pageError("server_unreachable", { cause: error });
  }
}
