/**
 * Seconds of sound that a FLAC file announces; null when it does not say. FFmpeg ends silently at the end of a file that
 * was cut off between two frames, so the announced length is the only sign.
 * @param head the first bytes of the file
 * Source: RFC 9639 §8.2 (STREAMINFO)
 */
export function flacSeconds(head: Uint8Array): number | null {
  if (head.byteLength < STREAMINFO_END) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const isFlac = view.getUint32(0) === MAGIC && ((head[4] ?? 0) & 0x7f) === STREAMINFO_TYPE;
  if (!isFlac) return null;
  // 20 bits sample rate, 3 channels, 5 bits per sample, 36 total samples.
  const packed = view.getBigUint64(PACKED_OFFSET);
  const sampleRate = Number(packed >> 44n);
  const samples = Number(packed & 0xf_ffff_ffffn);
  return sampleRate > 0 && samples > 0 ? samples / sampleRate : null;
}

/** "fLaC" */
const MAGIC = 0x664c6143;
const STREAMINFO_TYPE = 0;
/** After magic, block header, and the sizes of blocks and frames. */
const PACKED_OFFSET = 18;
const STREAMINFO_END = 26;
