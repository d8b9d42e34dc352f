import { open } from 'node:fs/promises';
import { BYTES_PER_SAMPLE, SAMPLE_RATE } from '#origin/audio/waveform.ts';

const BLOCK_SAMPLES = SAMPLE_RATE / 10;

/** A stretch of a spooled waveform. */
interface WaveformSpan {
  readonly path: string;
  readonly startSample: number;
  readonly sampleCount: number;
}

/** Level of the loudest 0.1 s of a span (at most 30 s), in dB relative to full scale; -Infinity for digital silence. */
export async function loudestDb(span: WaveformSpan): Promise<number> {
  const samples = await readSamples(span);
  let loudest = 0;
  for (let from = 0; from < samples.length; from += BLOCK_SAMPLES) {
    loudest = Math.max(loudest, meanSquare(samples.subarray(from, from + BLOCK_SAMPLES)));
  }
  return 10 * Math.log10(loudest);
}

async function readSamples(span: WaveformSpan): Promise<Float32Array> {
  const samples = new Float32Array(span.sampleCount);
  const file = await open(span.path, 'r');
  try {
    const bytes = new Uint8Array(samples.buffer);
    const { bytesRead } = await file.read(bytes, {
      position: span.startSample * BYTES_PER_SAMPLE,
    });
    return samples.subarray(0, Math.floor(bytesRead / BYTES_PER_SAMPLE));
  } finally {
    await file.close();
  }
}

function meanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : sum / samples.length;
}
