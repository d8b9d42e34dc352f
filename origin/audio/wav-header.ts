/**
 * Whether a WAV file says how long it is. Recorders that write to a pipe cannot go back to fill in the size, and leave
 * 0 or a largest number there; the end of such a file is its real end, not a cut.
 * @param head the first bytes of a RIFF file; a header that is longer counts as one that says
 */
export function isLengthUnknown(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let offset = RIFF_HEADER_BYTES;
  while (offset + CHUNK_HEADER_BYTES <= head.byteLength) {
    const size = view.getUint32(offset + 4, true);
    if (view.getUint32(offset) === DATA) return size === 0 || size >= LARGEST_SIZE;
    // Chunks start at even offsets.
    offset += CHUNK_HEADER_BYTES + size + (size % 2);
  }
  return false;
}

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;

/** "data" */
const DATA = 0x64617461;

/** Largest signed 32-bit number, less what a writer may subtract for its header: no real file is that close to it. */
const LARGEST_SIZE = 0x7fff_ff00;
