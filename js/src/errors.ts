/** The errors of the page. Their texts are in a data file that Python reads too. */

import { page as PAGE_TEXTS, transient } from "../../src/rtc_widget/errors/texts.json";
import { browserHelp, hostThatForbids } from "./host";

export type PageErrorCode = keyof typeof PAGE_TEXTS;

export const PAGE_ERROR_CODES = Object.keys(PAGE_TEXTS);

/** An error as it crosses between page and kernel: a stable code for programs, words and a next step for people. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** The error of this package: `code` for programs, `message` and `hint` for people. */
export class RtcWidgetError extends Error implements ErrorReport {
  override readonly name = "RtcWidgetError";
  readonly code: string;
  readonly hint: string;

  constructor(report: ErrorReport, options?: ErrorOptions) {
    super(report.message, options);
    this.code = report.code;
    this.hint = report.hint;
  }

  toWire(): ErrorReport {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/** Returns the page's error of that code; `says` replaces the default texts. */
export function pageError(
  code: PageErrorCode,
  says: { message?: string; hint?: string; cause?: unknown } = {},
): RtcWidgetError {
  const { message, hint } = PAGE_TEXTS[code];
  return new RtcWidgetError({ code, message: says.message ?? message, hint: says.hint ?? hint }, { cause: says.cause });
}

/** Converts anything that was thrown to an error of this package. */
export function asRtcWidgetError(thrown: unknown): RtcWidgetError {
  if (thrown instanceof RtcWidgetError) return thrown;
  const words = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return pageError("unexpected", { message: `An unexpected error occurred in the page (${words}).`, cause: thrown });
}

/** Transient errors; retrying may succeed. */
export const TRANSIENT: ReadonlySet<string> = new Set(transient);

export function isTransient({ code }: RtcWidgetError): boolean {
  return TRANSIENT.has(code);
}

const MICROPHONE_CODES: Readonly<Record<string, PageErrorCode>> = {
  NotAllowedError: "microphone_denied",
  SecurityError: "microphone_denied",
  NotFoundError: "microphone_not_found",
  NotReadableError: "microphone_in_use",
  AbortError: "microphone_in_use",
  OverconstrainedError: "microphone_constraints",
};

/** Returns the error for a rejected `getUserMedia` (W3C Media Capture and Streams, section 10.2). */
export function microphoneError(thrown: unknown): RtcWidgetError {
  // OverconstrainedError is not an Error in every browser, so only its name is read.
  const name = thrown instanceof Object && "name" in thrown ? String(thrown.name) : "";
  const code = MICROPHONE_CODES[name];
  if (code === "microphone_denied") return refusal(thrown);
  return code === undefined ? asRtcWidgetError(thrown) : pageError(code, { cause: thrown });
}

/** Distinguishes refusal by the embedding page, the system and the person. */
function refusal(thrown: unknown): RtcWidgetError {
  const host = hostThatForbids();
  if (host) return pageError("microphone_blocked", { ...host, cause: thrown });
  const words = thrown instanceof Error ? thrown.message : "";
  if (/system/i.test(words)) {
    const hint = "Allow the browser to use it in the system's privacy settings, then connect again.";
    return pageError("microphone_denied", {
      message: "The operating system refused the microphone.",
      hint,
      cause: thrown,
    });
  }
  return pageError("microphone_denied", { hint: browserHelp().allow, cause: thrown });
}
