/** Whole recordings through pieces, supervisor and client to the stand-in for vLLM, a process of its own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ExternalVllm } from '#origin/voxtral/external-server.ts';
import type { VoxtralTools } from '#origin/voxtral/recording.ts';
import { createSliceReader } from '#origin/voxtral/slice-reader.ts';
import { comparableWords } from '#origin/voxtral/stitch.ts';
import { transcribeVoxtral } from '#origin/voxtral/transcribe-voxtral.ts';
import { ok } from '#shared/result.ts';
import { HeldClock } from '#test/support/held-clock.ts';
import { makeRecording, type SpokenRecording } from '#test/support/spoken-recording.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import {
  recordingLog,
  useVllm,
  type VllmWorld,
  type WorldOptions,
} from '#test/support/vllm-world.ts';

const makeVllm = useVllm();
const tempDir = useTempDirs();

/** A minute with a pause after every fifth word: three pieces of up to 25 s. */
const MINUTE = makeRecording({
  durationSeconds: 60,
  phraseWords: () => 5,
  pauseSeconds: (phrase) => 0.35 + (phrase % 4) / 4,
});

interface Case {
  readonly recording?: SpokenRecording;
  readonly tools?: Partial<Omit<VoxtralTools, 'settings'>>;
  readonly settings?: Partial<VoxtralTools['settings']>;
}

function transcribe(
  { vllm }: Pick<VllmWorld, 'vllm'>,
  { recording = MINUTE, ...given }: Case = {},
) {
  return transcribeVoxtral(
    { ...recording, language: 'de' },
    {
      server: vllm,
      settings: { timeoutMs: 60_000, maxPieceSeconds: 25, concurrency: 2, ...given.settings },
      signal: new AbortController().signal,
      log: recordingLog().log,
      ...given.tools,
    },
  );
}

function wordsOf(result: Awaited<ReturnType<typeof transcribe>>): string[] {
  return result.ok
    ? comparableWords(result.value.text)
    : [`failed: ${JSON.stringify(result.error)}`];
}

/** A world whose stand-in is up, so that its modes can be set. */
async function makeReady(options: WorldOptions = {}): Promise<VllmWorld> {
  const world = await makeVllm(options);
  const { signal } = new AbortController();
  await world.vllm.use(async () => ok(null), { signal, maxWaitMs: 60_000 });
  return world;
}

describe('transcribeVoxtral', () => {
  it('gives every word of a recording once, with the times of its pieces', async () => {
    const progress: number[] = [];
    const world = await makeVllm();
    const result = await transcribe(world, {
      tools: { onProgress: (done) => progress.push(done) },
    });
    expect(wordsOf(result)).toEqual(MINUTE.words);
    if (!result.ok) return;
    const { pieces, missing, warnings } = result.value;
    expect(pieces).toHaveLength(3);
    expect(pieces.flatMap(({ text }) => comparableWords(text))).toEqual(MINUTE.words);
    for (const [i, piece] of pieces.entries()) {
      expect(piece.startSeconds).toBeGreaterThanOrEqual(pieces[i - 1]?.endSeconds ?? 0);
      expect(piece.endSeconds - piece.startSeconds).toBeLessThanOrEqual(25);
      for (const { startSeconds, endSeconds } of piece.speech) {
        expect(startSeconds).toBeGreaterThanOrEqual(piece.startSeconds);
        expect(endSeconds).toBeLessThanOrEqual(piece.endSeconds);
      }
    }
    expect({ missing, warnings }).toEqual({ missing: [], warnings: [] });
    expect(progress).toHaveLength(3);
  });

  it('loses and doubles no word of two hours cut at 24 silences', async () => {
    const recording = makeRecording({
      durationSeconds: 7200,
      phraseWords: (phrase) => 3 + (phrase % 17),
      pauseSeconds: (phrase) => 0.31 + ((phrase * 13) % 10) / 5,
    });
    const world = await makeVllm();
    const result = await transcribe(world, { recording, settings: { maxPieceSeconds: 300 } });
    expect(result.ok && result.value.pieces.length).toBe(25);
    expect(wordsOf(result)).toEqual(recording.words);
    const seen = await world.requests();
    expect(Math.max(...seen.map(({ sizeBytes }) => sizeBytes))).toBeLessThan(25 * 1024 ** 2);
    expect(Math.max(...seen.map(({ atOnce }) => atOnce))).toBeLessThanOrEqual(2);
  });

  it('loses and doubles no word where nobody ever pauses', async () => {
    const recording = makeRecording({
      durationSeconds: 300,
      phraseWords: () => 1000,
      pauseSeconds: () => 1,
    });
    const world = await makeVllm();
    const result = await transcribe(world, { recording, settings: { maxPieceSeconds: 30 } });
    expect(result.ok && result.value.pieces.length).toBeGreaterThan(9);
    expect(wordsOf(result)).toEqual(recording.words);
  });

  it('gives an empty text for silence, without starting anything', async () => {
    const world = await makeVllm();
    const recording = { ...MINUTE, regions: [] };
    expect(await transcribe(world, { recording })).toMatchObject({
      ok: true,
      value: { text: '', pieces: [] },
    });
    expect(world.vllm.status().state).toBe('off');
  });

  it('reads pieces from the spooled waveform', async () => {
    const path = join(tempDir(), 'waveform');
    const samples = await MINUTE.readSamples(0, MINUTE.totalSamples);
    await writeFile(path, new Uint8Array(samples.buffer));
    const recording = { ...MINUTE, readSamples: createSliceReader(path) };
    expect(wordsOf(await transcribe(await makeVllm(), { recording }))).toEqual(MINUTE.words);
    await expect(createSliceReader(path)(MINUTE.totalSamples - 1, 2)).rejects.toThrow(
      'ends within',
    );
  });

  it('works with a vllm that somebody else runs', async () => {
    const { vllm, baseUrl } = await makeReady();
    const external = new ExternalVllm({ model: vllm.model, baseUrl, apiKey: null });
    expect(await external.isAvailable()).toBe(true);
    const result = await transcribe({ vllm }, { tools: { server: external } });
    expect(wordsOf(result)).toEqual(MINUTE.words);
    await external.stop();
    expect(vllm.status().state).toBe('ready');
    expect(await transcribe({ vllm }, { tools: { server: external } })).toMatchObject({
      error: { kind: 'unavailable', state: 'stopped' },
    });
  });

  it.each(['error', 'cut', 'status_500', 'status_429', 'blank'] as const)(
    'sends a piece once more after %s',
    async (mode) => {
      const world = await makeReady({ modes: { transcribe: ['ok', mode] } });
      expect(wordsOf(await transcribe(world))).toEqual(MINUTE.words);
      expect(await world.requests()).toHaveLength(4);
    },
  );

  it('finishes a recording in whose middle vllm crashed', async () => {
    const world = await makeReady({ modes: { transcribe: ['ok', 'crash'], hasEngine: true } });
    // So does the next process, at its second piece.
    const result = await transcribe(world, { settings: { concurrency: 1 } });
    expect(wordsOf(result)).toEqual(MINUTE.words);
    expect(world.vllm.status().crashes).toBe(2);
  });

  it('finishes a recording in whose middle somebody killed vllm', async () => {
    const world = await makeReady({ modes: { transcribe: ['ok', 'hang'] } });
    const result = transcribe(world, { settings: { concurrency: 1 } });
    await world.begun(2);
    process.kill(world.vllm.status().pid!, 'SIGKILL');
    await world.until(({ state }) => state === 'restarting');
    await world.until(({ state }) => state === 'ready');
    await world.setModes({ transcribe: [] });
    expect(wordsOf(await result)).toEqual(MINUTE.words);
  });

  it('fails as a whole, with nothing of the text, when a piece goes on failing', async () => {
    const world = await makeReady({
      modes: { transcribe: ['ok', 'error', 'error', 'error', 'error'] },
    });
    const result = await transcribe(world, { settings: { concurrency: 1 } });
    expect(result).toEqual({ ok: false, error: { kind: 'error_in_answer' } });
  });

  it('hears a piece in halves whose text did not fit', async () => {
    const world = await makeReady({ modes: { transcribe: ['ok', 'length'] } });
    const settings = { concurrency: 1, maxPieceSeconds: 35 };
    const result = await transcribe(world, { settings });
    expect(wordsOf(result)).toEqual(MINUTE.words);
    expect(result.ok && result.value.pieces.length).toBe(3);
  });

  it('fails where much speech has no words, however it is cut', async () => {
    const world = await makeReady({
      modes: { transcribe: Array.from({ length: 40 }, () => 'blank') },
    });
    const result = await transcribe(world, { settings: { concurrency: 1 } });
    expect(result).toMatchObject({ ok: false, error: { kind: 'blank' } });
  });

  it('reports a little speech without words as missing, and keeps the rest', async () => {
    const recording = makeRecording({
      durationSeconds: 5,
      phraseWords: () => 16,
      pauseSeconds: () => 9,
    });
    const world = await makeReady({ modes: { transcribe: ['blank', 'blank'] } });
    const result = await transcribe(world, { recording });
    expect(result).toMatchObject({
      ok: true,
      value: { text: '', missing: [{ startSeconds: 0.5 }] },
    });
    expect(result.ok && result.value.warnings).toEqual([expect.stringContaining('found no words')]);
  });

  it('gives up at once when the caller leaves, and sends nothing more', async () => {
    const world = await makeReady({ modes: { transcribe: ['hang', 'hang'] } });
    const caller = new AbortController();
    const result = transcribe(world, { tools: { signal: caller.signal } });
    await world.begun(2);
    caller.abort();
    expect(await result).toEqual({ ok: false, error: { kind: 'aborted' } });
    expect(await world.requests()).toHaveLength(2);
  });

  it('goes to the next backend when vllm does not come up in time', async () => {
    const clock = new HeldClock(1234);
    const world = await makeVllm({ modes: { start: 'wait' }, clock });
    const result = transcribe(world, { tools: { maxStartWaitMs: 1234 } });
    await clock.fire(1234);
    expect(await result).toMatchObject({
      ok: false,
      error: { kind: 'unavailable', state: 'starting' },
    });
  });

  it('passes on that the waveform cannot be read', async () => {
    const recording = { ...MINUTE, readSamples: () => Promise.reject(new Error('disk')) };
    await expect(transcribe(await makeVllm(), { recording })).rejects.toThrow('disk');
  });
});
