/** Bytes between page and kernel in base64; audio as signed 16-bit little-endian mono samples. */

/** More arguments in one call overflow the stack. */
const CHUNK_BYTES = 0x8000;

export function bytesToBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return btoa(text);
}

export function base64ToBytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

export function toBase64(samples: Int16Array): string {
  return bytesToBase64(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
}

export function fromBase64(text: string): Int16Array {
  const bytes = base64ToBytes(text);
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

export function isSilent(samples: Int16Array): boolean {
  return samples.every((sample) => sample === 0);
}
