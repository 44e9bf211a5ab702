/** The errors of the page. Python reads their texts from the same file. */

import { causes, page as PAGE_TEXTS, templates as TEMPLATES, transient } from "../../src/rtc_widget/errors/texts.json";
import { blockingHost, browserHelp } from "./host";
import { wellFormed } from "./json";

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
    super(wellFormed(report.message), options);
    this.code = wellFormed(report.code);
    this.hint = wellFormed(report.hint);
  }

  toWire(): ErrorReport {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/** Returns the page's error with that code; `overrides` replaces the default texts. */
export function pageError(
  code: PageErrorCode,
  overrides: { message?: string; hint?: string; cause?: unknown } = {},
): RtcWidgetError {
  const { message, hint } = PAGE_TEXTS[code];
  return new RtcWidgetError(
    { code, message: overrides.message ?? message, hint: overrides.hint ?? hint },
    { cause: overrides.cause },
  );
}

/** Returns the text of a template with these values. */
export function textOf(
  template: keyof typeof TEMPLATES,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return filled(TEMPLATES[template], values);
}

/** Returns a template with these values in place of their names. */
export function filled(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

/** Converts any thrown value to an error of this package. */
export function asRtcWidgetError(thrown: unknown): RtcWidgetError {
  if (thrown instanceof RtcWidgetError) return thrown;
  const description = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return pageError("unexpected", {
    message: textOf("unexpected", { error: description }),
    cause: thrown,
  });
}

/** Transient errors; retrying may succeed. */
export const TRANSIENT: ReadonlySet<string> = new Set(transient);

export function isTransient({ code }: RtcWidgetError): boolean {
  return TRANSIENT.has(code);
}

const DEPTHS: ReadonlyMap<string, number> = new Map(
  causes.flatMap((codes, index) => codes.map((code): [string, number] => [code, -index])),
);

/** Whether an error is a deeper cause of the end of a call than another, so that only it is shown. */
export function isDeeper({ code }: ErrorReport, other: ErrorReport): boolean {
  return depthOf(code) > depthOf(other.code);
}

function depthOf(code: string): number {
  return DEPTHS.get(code) ?? DEPTHS.get("*") ?? 0;
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
  if (code === "microphone_denied") return microphoneRefusal(thrown);
  return code === undefined ? asRtcWidgetError(thrown) : pageError(code, { cause: thrown });
}

/** Distinguishes a refusal by the embedding page, by the operating system and by the person. */
function microphoneRefusal(thrown: unknown): RtcWidgetError {
  const host = blockingHost();
  if (host) return pageError("microphone_blocked", { ...host, cause: thrown });
  const message = thrown instanceof Error ? thrown.message : "";
  if (/system/i.test(message)) {
    const hint = "Allow the browser to use it in the system's privacy settings, then connect again.";
    return pageError("microphone_denied", {
      message: "The operating system refused the microphone.",
      hint,
      cause: thrown,
    });
  }
  return pageError("microphone_denied", { hint: browserHelp().allow, cause: thrown });
}
