import { closeSync, openSync, readSync } from 'node:fs';
import type { AudioSpan } from '../protocol.ts';

const BYTES_PER_SAMPLE = 4;

/** Samples of a span. @throws Error if the file has fewer than promised. */
export function readSpan(span: AudioSpan): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(span.sampleCount);
  const bytes = new Uint8Array(samples.buffer);
  const fd = openSync(span.path, 'r');
  try {
    for (let done = 0; done < bytes.byteLength; ) {
      const from = span.startSample * BYTES_PER_SAMPLE + done;
      const got = readSync(fd, bytes, done, bytes.byteLength - done, from);
      if (got === 0)
        throw new Error(`the waveform ends ${bytes.byteLength - done} bytes too early`);
      done += got;
    }
  } finally {
    closeSync(fd);
  }
  return samples;
}
