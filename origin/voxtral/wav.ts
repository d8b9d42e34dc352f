/** Samples → a WAV file in memory: the one format that every version of vLLM reads (0.15 refused MP3). */
import { SAMPLE_RATE } from '#origin/voxtral/models.ts';

export const WAV_HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
const LARGEST = 32_767;

/** @param samples 16 kHz, mono, -1..1; what lies outside is cut off, what is no number becomes silence. */
export function encodeWav(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const dataBytes = samples.length * BYTES_PER_SAMPLE;
  const bytes = new Uint8Array(WAV_HEADER_BYTES + dataBytes);
  const view = new DataView(bytes.buffer);
  writeHeader(view, dataBytes);
  for (const [i, sample] of samples.entries()) {
    const clipped = Number.isNaN(sample) ? 0 : Math.max(-1, Math.min(1, sample));
    view.setInt16(WAV_HEADER_BYTES + i * BYTES_PER_SAMPLE, Math.round(clipped * LARGEST), true);
  }
  return bytes;
}

function writeHeader(view: DataView, dataBytes: number): void {
  writeText(view, 0, 'RIFF');
  view.setUint32(4, WAV_HEADER_BYTES - 8 + dataBytes, true);
  writeText(view, 8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  // PCM, one channel.
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE * BYTES_PER_SAMPLE, true);
  view.setUint16(32, BYTES_PER_SAMPLE, true);
  view.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  writeText(view, 36, 'data');
  view.setUint32(40, dataBytes, true);
}

function writeText(view: DataView, offset: number, text: string): void {
  for (let i = 0; i < text.length; i += 1) view.setUint8(offset + i, text.charCodeAt(i));
}
