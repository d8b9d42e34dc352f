/** Reads stretches of a spooled waveform: 32-bit little-endian floats, mono, 16 kHz. */
import { open } from 'node:fs/promises';

const BYTES_PER_SAMPLE = 4;

/** Gives the samples from `startSample` on. */
export type ReadSamples = (startSample: number, sampleCount: number) => Promise<Float32Array>;

/** @throws Error when the file ends before the stretch does */
export function createSliceReader(path: string): ReadSamples {
  return async (startSample, sampleCount) => {
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(sampleCount * BYTES_PER_SAMPLE);
      let filled = 0;
      while (filled < bytes.byteLength) {
        const position = startSample * BYTES_PER_SAMPLE + filled;
        const { bytesRead } = await file.read(bytes, filled, bytes.byteLength - filled, position);
        if (bytesRead === 0)
          throw new Error(`The waveform ends within sample ${startSample} and ${sampleCount} more`);
        filled += bytesRead;
      }
      return new Float32Array(bytes.buffer);
    } finally {
      await file.close();
    }
  };
}
