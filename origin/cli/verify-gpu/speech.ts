/** Recordings that come with the project, with what is said in them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startDecoding } from '#origin/audio/decode-audio.ts';
import { createSliceReader } from '#origin/voxtral/slice-reader.ts';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures');

export interface Speech {
  readonly name: string;
  /** 16 kHz, mono. */
  readonly samples: Float32Array;
  readonly language: string;
  readonly text: string;
}

const Manifest = z.record(z.string(), z.object({ language: z.string(), text: z.string() }));

/** @throws Error when the recording is not there or cannot be decoded */
export async function loadSpeech(name: string): Promise<Speech> {
  const manifest = Manifest.parse(
    JSON.parse(await readFile(join(FIXTURES, 'manifest.json'), 'utf8')),
  );
  const entry = manifest[name];
  if (entry === undefined) throw new Error(`test/fixtures/manifest.json does not know ${name}`);
  return { name, samples: await decode(join(FIXTURES, name)), ...entry };
}

async function decode(path: string): Promise<Float32Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mana-stt-verify-'));
  const waveform = startDecoding(
    { path },
    { waveformPath: join(folder, 'waveform'), maxSeconds: 600, timeoutMs: 60_000 },
  );
  try {
    const { sampleCount } = await waveform.available(Number.POSITIVE_INFINITY);
    return await createSliceReader(waveform.path)(0, sampleCount);
  } finally {
    await waveform.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}
