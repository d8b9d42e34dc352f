import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDecoding } from '#origin/audio/decode-audio.ts';

/** Samples of any recording, 16 kHz and mono, by the service's own decoder. */
export async function decodedSamples(path: string): Promise<Float32Array> {
  const folder = await mkdtemp(join(tmpdir(), 'decoded-'));
  const waveformPath = join(folder, 'samples');
  const waveform = startDecoding(
    { path },
    {
      waveformPath,
      signal: new AbortController().signal,
      maxSeconds: 3600,
      timeoutMs: 60_000,
      onOutcome: () => undefined,
    },
  );
  try {
    await waveform.available(Number.POSITIVE_INFINITY);
    const bytes = await readFile(waveformPath);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  } finally {
    await waveform.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}
