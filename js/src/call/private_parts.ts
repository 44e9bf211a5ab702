/** The parts of a quoted SDP line that an error must not show: addresses, ICE credentials, fingerprints, keys. */

const HIDDEN = "•••";
/** What precedes such a part in any text, as `rtc_widget.sdp.private_parts` has it. */
const BEFORE = [
  /\b(?:ice-ufrag|ice-pwd|identity)\s*[:=]\s*/,
  /\ba=ice-(?:ufrag|pwd)\s+(?!line\b)/,
  /\bfingerprint\s*[:=]\s*(?:[\w-]+[ \t]+)?/,
  /\binline:/,
  /\bkey-mgmt\s*[:=]\s*[\w-]+\s+/,
  /\bcandidate\s*:\s*(?:\S+[ \t]+){4}/,
  /\b(?:raddr|IP[46])[ \t]+/,
  /(?<!-)\bufrag[ \t]+/,
  /(?=(?:[0-9a-f]{2}:){7})/,
];
const QUOTED = new RegExp(`(${BEFORE.map(({ source }) => source).join("|")})[^\\s"'•]+`, "gi");

/** Returns any text with the private parts of the SDP lines that it quotes replaced. */
export function withoutPrivateParts(text: string): string {
  return text.replace(QUOTED, `$1${HIDDEN}`);
}
