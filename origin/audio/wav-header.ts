/** What the header of a WAV file says about its length. */

/**
 * Whether a WAV file says how long it is. Recorders that write to a pipe cannot go back to fill in the size, and leave
 * 0 or a largest number there; the end of such a file is its real end, not a cut.
 * @param head the first bytes of a RIFF file; a header that is longer counts as one that says
 */
export function isLengthUnknown(head: Uint8Array): boolean {
  const size = readHeader(head).dataBytes;
  return size !== null && isNoSize(size);
}

/**
 * Seconds of sound that the header announces; null when it does not say, or when the coding leaves bytes and time in no
 * fixed relation.
 */
export function wavSeconds(head: Uint8Array): number | null {
  const { dataBytes, bytesPerSecond } = readHeader(head);
  if (dataBytes === null || isNoSize(dataBytes) || bytesPerSecond === null) return null;
  return dataBytes / bytesPerSecond;
}

interface WavHeader {
  readonly dataBytes: number | null;
  /** Null for a compressed coding. */
  readonly bytesPerSecond: number | null;
}

function readHeader(head: Uint8Array): WavHeader {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let offset = RIFF_HEADER_BYTES;
  let bytesPerSecond: number | null = null;
  while (offset + CHUNK_HEADER_BYTES <= head.byteLength) {
    const name = view.getUint32(offset);
    const size = view.getUint32(offset + 4, true);
    const content = offset + CHUNK_HEADER_BYTES;
    if (name === DATA) return { dataBytes: size, bytesPerSecond };
    if (name === FMT && content + FMT_BYTES <= head.byteLength) {
      const rate = view.getUint32(content + 8, true);
      const isEven = EVEN_CODINGS.has(view.getUint16(content, true));
      bytesPerSecond = isEven && rate > 0 ? rate : null;
    }
    // Chunks start at even offsets.
    offset = content + size + (size % 2);
  }
  return { dataBytes: null, bytesPerSecond };
}

function isNoSize(bytes: number): boolean {
  return bytes === 0 || bytes >= LARGEST_SIZE;
}

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
/** Coding, channels, sample rate, bytes per second. */
const FMT_BYTES = 12;

/** "data" */
const DATA = 0x64617461;
/** "fmt " */
const FMT = 0x666d7420;

/** PCM, floats, A-law, µ-law; the extensible format has one of these inside nearly always. */
const EVEN_CODINGS: ReadonlySet<number> = new Set([1, 3, 6, 7, 0xfffe]);

/** Largest signed 32-bit number, less what a writer may subtract for its header: no real file is that close to it. */
const LARGEST_SIZE = 0x7fff_ff00;
