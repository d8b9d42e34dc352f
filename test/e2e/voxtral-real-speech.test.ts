/** Real speech through our voice activity, pieces, supervisor and client, to a stand-in for vLLM that hears with our Whisper. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '#models/store.ts';
import { EngineProcess } from '#origin/engine/engine-process.ts';
import { detectSpeech } from '#origin/vad/detect-speech.ts';
import { createSliceReader } from '#origin/voxtral/slice-reader.ts';
import type { SampleRange } from '#origin/voxtral/split.ts';
import { transcribeVoxtral } from '#origin/voxtral/transcribe-voxtral.ts';
import { decodedSamples } from '#test/support/decoded-samples.ts';
import { startOrigin } from '#test/support/running-origin.ts';
import { concatenate } from '#test/support/spliced-speech.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { FIXTURES } from '#test/support/transcribe-request.ts';
import { BRAIN_VARIABLE } from '#test/support/vllm-stand-in/modes.ts';
import { recordingLog, useVllm } from '#test/support/vllm-world.ts';
import { wholeSource } from '#test/support/waveform-source.ts';
import { alignWords, normalizeWords, wordErrors } from '#test/support/wer.ts';

const makeVllm = useVllm();
const tempDir = useTempDirs();
const RATE = 16_000;
const CUTS = 24;
/** Four minutes of speech through Whisper on the CPU. */
const TIMEOUT_MS = 300_000;
const MANIFEST = JSON.parse(readFileSync(join(FIXTURES, 'manifest.json'), 'utf8')) as Record<
  string,
  { text: string }
>;

const origin = await startOrigin();
afterAll(() => origin.stop());

/** All regions of speech, by the embedded model. */
async function regionsOf(path: string, sampleCount: number): Promise<SampleRange[]> {
  const engine = new EngineProcess({
    settings: {
      store: openStore(tempDir()),
      device: 'cpu',
      computeType: 'auto',
      segmentationModel: 'segmentation',
      speakerModel: 'speaker',
      threads: 2,
      cachedChunks: 1,
    },
    idleTimeoutSeconds: -1,
    log: recordingLog().log,
  });
  const regions: SampleRange[] = [];
  const source = wholeSource(sampleCount, path);
  const segment = (windows: Parameters<Parameters<typeof detectSpeech>[1]>[0]) =>
    engine.segment({ windows });
  for await (const chunk of detectSpeech(source, segment)) regions.push(...chunk.regions);
  await engine.stop();
  return regions;
}

/** Most letters in a row that only one of the texts has. */
function longestGap(said: string, written: string): number {
  const letters = (text: string) => [...normalizeWords(text, 'en').join('')];
  const [left, right] = [letters(said), letters(written)];
  let longest = 0;
  let last: readonly [number, number] = [-1, -1];
  for (const hit of [...alignWords(left, right).hits, [left.length, right.length] as const]) {
    longest = Math.max(longest, hit[0] - last[0] - 1, hit[1] - last[1] - 1);
    last = hit;
  }
  return longest;
}

describe('transcribeVoxtral with real speech', () => {
  it(
    `loses and doubles no word at ${CUTS} cuts and more`,
    async () => {
      const names = ['en_harbor.flac', 'en_long.flac', 'en_harbor.flac', 'en_long.flac'];
      const pause = new Float32Array(RATE);
      const parts = await Promise.all(names.map((name) => decodedSamples(join(FIXTURES, name))));
      const samples = concatenate(parts.flatMap((part) => [part, pause]));
      const path = join(tempDir(), 'waveform');
      await writeFile(path, new Uint8Array(samples.buffer));
      const { vllm } = await makeVllm({
        environment: {
          ...process.env,
          WHISPER_BRAIN_URL: origin.url,
          [BRAIN_VARIABLE]: join(import.meta.dirname, '../support/vllm-stand-in/whisper-brain.ts'),
        },
      });
      const result = await transcribeVoxtral(
        {
          totalSamples: samples.length,
          regions: await regionsOf(path, samples.length),
          readSamples: createSliceReader(path),
          language: 'en',
        },
        {
          server: vllm,
          settings: { timeoutMs: 120_000, maxPieceSeconds: 10, concurrency: 3 },
          signal: new AbortController().signal,
          log: recordingLog().log,
        },
      );
      if (!result.ok) throw new Error(JSON.stringify(result.error));
      expect(result.value.pieces.length).toBeGreaterThan(CUTS);
      expect(result.value.warnings).toEqual([]);
      const said = names.map((name) => MANIFEST[name]!.text).join(' ');
      // Whisper mishears a few ("on clear", "a"), which is not our matter: nothing as long as a word may be gone or double.
      expect(longestGap(said, result.value.text)).toBeLessThanOrEqual(3);
      const { deletions, insertions, referenceWords } = wordErrors(said, result.value.text, 'en');
      expect(deletions + insertions).toBeLessThanOrEqual(0.01 * referenceWords);
    },
    TIMEOUT_MS,
  );
});
