/** Audio between page and kernel: signed 16-bit little-endian mono samples in base64. */

/** More arguments in one call overflow the stack. */
const CHUNK_BYTES = 0x8000;

export function toBase64(samples: Int16Array): string {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return btoa(text);
}

export function fromBase64(text: string): Int16Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length - (binary.length % 2));
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return new Int16Array(bytes.buffer);
}

export function isSilent(samples: Int16Array): boolean {
  return samples.every((sample) => sample === 0);
}
