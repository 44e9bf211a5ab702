/** What is known of the browser and of the embedding page, for hints in errors. */

export interface BrowserHelp {
  readonly name: string;
  /** How to allow the microphone there. */
  readonly allow: string;
  /** The vendor's page about it. */
  readonly link: string;
}

const AFTER = "then connect again.";

export function browserHelp(agent = navigator.userAgent): BrowserHelp {
  if (/Edg\//.test(agent)) {
    return {
      name: "Edge",
      allow: `In Edge, click the lock left of the address, set Microphone to Allow, ${AFTER}`,
      link: "https://support.microsoft.com/microsoft-edge/a83524e0-35c8-46c2-8ee6-e46e0b7f2e3c",
    };
  }
  if (/Firefox\//.test(agent)) {
    return {
      name: "Firefox",
      allow: `In Firefox, click the crossed-out microphone left of the address, remove the block, ${AFTER}`,
      link: "https://support.mozilla.org/kb/how-manage-your-camera-and-microphone-permissions",
    };
  }
  if (/Chrom(e|ium)\//.test(agent)) {
    return {
      name: "Chrome",
      allow: `In Chrome, click the icon left of the address, switch Microphone on, ${AFTER}`,
      link: "https://support.google.com/chrome/answer/2693767",
    };
  }
  return {
    name: "Safari",
    allow: `In Safari, open Settings → Websites → Microphone, choose Allow for this site, ${AFTER}`,
    link: "https://support.apple.com/guide/safari/websites-ibrwe2159f50/mac",
  };
}

export interface HelpPage {
  readonly text: string;
  readonly link: string;
}

/** Returns a page that helps with an error, if there is one: the browser vendor's where its settings help. */
export function helpPage(code: string): HelpPage | undefined {
  const { name, link } = browserHelp();
  switch (code) {
    case "microphone_denied":
      return { text: `How to allow the microphone in ${name}`, link };
    case "microphone_not_found":
    case "microphone_in_use":
    case "microphone_constraints":
      return { text: `Microphone settings in ${name}`, link };
    case "microphone_blocked":
      return isVsCode()
        ? {
            text: "How to open JupyterLab in a browser",
            link: "https://jupyterlab.readthedocs.io/en/stable/getting_started/starting.html",
          }
        : {
            text: "How a page allows the microphone in an iframe",
            link: "https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Permissions-Policy/microphone",
          };
    case "insecure_context":
      return {
        text: "How to serve Jupyter by https",
        link: "https://jupyter-server.readthedocs.io/en/latest/operators/public-server.html",
      };
    case "media_unavailable":
    case "webrtc_unavailable":
      return {
        text: "Which browsers have microphone and WebRTC",
        link: "https://developer.mozilla.org/docs/Web/API/WebRTC_API",
      };
    default:
      return undefined;
  }
}

/** Whether this is a VS Code window, whose notebooks get no microphone. */
export function isVsCode(agent = navigator.userAgent, origin = location.protocol): boolean {
  return /\bCode\//.test(agent) || origin === "vscode-webview:";
}

/** Returns error texts where the host forbids the microphone (W3C Permissions Policy), else undefined. */
export function blockingHost(): { readonly message?: string; readonly hint?: string } | undefined {
  if (isVsCode()) {
    return {
      message: "VS Code does not give notebooks access to the microphone.",
      hint: "Open the notebook in JupyterLab in a browser, or connect without a microphone and write instead of speaking.",
    };
  }
  return isAllowedByPolicy() ? undefined : {};
}

function isAllowedByPolicy(): boolean {
  // Only Chromium reports it; elsewhere a refusal counts as the person's.
  const { featurePolicy } = document as Document & { featurePolicy?: { allowsFeature(name: string): boolean } };
  return featurePolicy?.allowsFeature("microphone") ?? true;
}
