import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecodedChunk, DecodeItem, SearchOptions } from '#origin/engine/protocol.ts';
import { decodeWithFallback, type FallbackOptions } from '#origin/whisper/decode-with-fallback.ts';
import { buildPrompt } from '#origin/whisper/prompt.ts';
import { SearchPlan } from '#origin/whisper/search-plan.ts';
import { loadWhisperTokenizer, type WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import { writeTinyTokenizer } from '#test/support/tiny-whisper-tokenizer.ts';

let root: string;
let tokenizer: WhisperTokenizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fallback-'));
  await writeTinyTokenizer(root, { languages: ['en', 'de'] });
  tokenizer = await loadWhisperTokenizer(root);
});
afterAll(() => rm(root, { recursive: true }));

const SPEECH = ' The harbor office opens at seven.';
const LOOP = ' The same again.'.repeat(20);
const span = { path: '/spool/a', startSample: 48_000, sampleCount: 160_000 };

/** What the model shall say at each temperature, in order; the last answer stays. */
function model(...answers: { text: string; avgLogProb?: number; noSpeechProb?: number }[]) {
  const calls: { item: DecodeItem; search: SearchOptions }[] = [];
  const decode = async (item: DecodeItem, search: SearchOptions): Promise<DecodedChunk> => {
    const answer = answers[Math.min(calls.length, answers.length - 1)]!;
    calls.push({ item, search });
    const tokenIds = Int32Array.from(tokenizer.encode(answer.text));
    const rows = tokenIds.length + 1;
    const weights = Float32Array.from({ length: rows * 2 }, (_, index) => index);
    return {
      tokenIds,
      tokenLogProbs: new Float32Array(tokenIds.length).fill(-0.5),
      avgLogProb: answer.avgLogProb ?? -0.3,
      noSpeechProb: answer.noSpeechProb ?? 0.1,
      alignment: search.align ? { weights, rows, frames: 2 } : null,
    };
  };
  return { calls, decode };
}

function run(
  { decode }: ReturnType<typeof model>,
  options: Partial<FallbackOptions> & { loudestDb?: number; path?: string } = {},
) {
  const { loudestDb, path = span.path, ...rest } = options;
  const prompt = buildPrompt({ tokenizer, language: 'en', task: 'transcribe' });
  return decodeWithFallback(
    { tokenizer, decode },
    { span: { ...span, path }, ...prompt, language: 'en', loudestDb },
    { beamSize: 3, align: true, ...rest },
  );
}

describe('decodeWithFallback', () => {
  it('decodes a good chunk once, with the beams asked for', async () => {
    const good = model({ text: SPEECH });
    const result = await run(good);
    expect(result).toMatchObject({ text: SPEECH, temperature: 0, avgLogProb: -0.3 });
    expect(result.dropped).toBeUndefined();
    expect(good.calls).toHaveLength(1);
    expect(good.calls[0]!.search).toMatchObject({ beamWidth: 3, temperature: 0, align: true });
    expect(good.calls[0]!.search.suppressTokens).toBe(tokenizer.suppressTokens);
  });

  it('samples five times at each higher temperature and takes the first text that passes', async () => {
    const unsure = model(
      { text: SPEECH, avgLogProb: -1.4 },
      { text: LOOP, avgLogProb: -0.1 },
      { text: SPEECH, avgLogProb: -0.8 },
    );
    const result = await run(unsure);
    expect(result).toMatchObject({ text: SPEECH, temperature: 0.4, avgLogProb: -0.8 });
    expect(unsure.calls.map(({ search }) => [search.temperature, search.beamWidth])).toEqual([
      [0, 3],
      [0.2, 5],
      [0.4, 5],
      [0.6, 5],
      [0.8, 5],
      [1, 5],
    ]);
  });

  it('keeps the likeliest varied text when all fail', async () => {
    const hopeless = model(
      { text: LOOP, avgLogProb: -0.1 },
      { text: SPEECH, avgLogProb: -1.5 },
      { text: `${SPEECH} So.`, avgLogProb: -1.2 },
      { text: SPEECH, avgLogProb: -3 },
    );
    const result = await run(hopeless);
    expect(hopeless.calls).toHaveLength(6);
    expect(result).toMatchObject({ text: `${SPEECH} So.`, temperature: 0.4 });
  });

  describe('with a plan and no number of beams', () => {
    const adaptive = (plan = new SearchPlan()) => ({ beamSize: undefined, plan });
    const widths = ({ calls }: ReturnType<typeof model>) => calls.map((c) => c.search.beamWidth);

    it('takes greedy search at its word where it is sure', async () => {
      const sure = model({ text: SPEECH, avgLogProb: -0.05 });
      expect(await run(sure, adaptive())).toMatchObject({ text: SPEECH, avgLogProb: -0.05 });
      expect(widths(sure)).toEqual([1]);
    });

    it('follows five beams where greedy is not sure', async () => {
      const unsure = model({ text: LOOP, avgLogProb: -0.3 }, { text: SPEECH, avgLogProb: -0.2 });
      expect(await run(unsure, adaptive())).toMatchObject({ text: SPEECH });
      expect(widths(unsure)).toEqual([1, 5]);
    });

    it('does not trust a sure loop', async () => {
      const loop = model({ text: LOOP, avgLogProb: -0.02 }, { text: SPEECH, avgLogProb: -0.2 });
      expect(await run(loop, adaptive())).toMatchObject({ text: SPEECH });
    });

    it('leaves greedy out once it has kept failing in the recording', async () => {
      const plan = new SearchPlan();
      for (let i = 0; i < 2; i++) await run(model({ text: SPEECH }), adaptive(plan));
      const next = model({ text: SPEECH });
      await run(next, adaptive(plan));
      expect(widths(next)).toEqual([5]);
    });

    it('does not try greedy when the caller names a temperature', async () => {
      const sampled = model({ text: SPEECH });
      await run(sampled, { ...adaptive(), temperature: 0.4 });
      expect(sampled.calls.map(({ search }) => search.temperature)).toEqual([0.4]);
    });
  });

  it('tries only the temperature the caller names', async () => {
    const unsure = model({ text: SPEECH, avgLogProb: -2 });
    expect(await run(unsure, { temperature: 0.5 })).toMatchObject({ temperature: 0.5 });
    expect(unsure.calls.map(({ search }) => search.temperature)).toEqual([0.5]);
  });

  it('cuts a loop that every temperature falls into, with its alignment', async () => {
    const result = await run(model({ text: SPEECH + LOOP, avgLogProb: -0.1 }));
    expect(result.text).toBe(' The harbor office opens at seven. The same again.');
    const count = tokenizer.encode(result.text).length;
    expect(result.tokenIds).toHaveLength(count);
    expect(result.tokenLogProbs).toHaveLength(count);
    expect(result.alignment).toMatchObject({ rows: count + 1, frames: 2 });
    expect(result.alignment!.weights).toHaveLength((count + 1) * 2);
    expect(result.compressionRatio).toBeGreaterThan(2.4);
  });

  it('tries again when a loop follows so much speech that the compression ratio passes', async () => {
    const varied = Array.from({ length: 60 }, (_, i) => ` ${(i * 7919) % 1000}`).join('');
    const looping = model({ text: `${varied}${' no'.repeat(20)}` }, { text: SPEECH });
    expect(await run(looping)).toMatchObject({ text: SPEECH, temperature: 0.2 });
  });

  it('drops what the model takes for silence, without another attempt', async () => {
    const silence = model({ text: ' Thank you.', avgLogProb: -1.3, noSpeechProb: 0.8 });
    const result = await run(silence);
    expect(result).toMatchObject({ text: '', dropped: 'silence', alignment: null });
    expect(result).toMatchObject({ noSpeechProb: 0.8, avgLogProb: -1.3 });
    expect(result.tokenIds).toHaveLength(0);
    expect(silence.calls).toHaveLength(1);
  });

  it('does not sample a text that is plainly made up', async () => {
    const unsure = model({ text: SPEECH, avgLogProb: -2 });
    const text = await run(unsure, { isInvented: ({ avgLogProb }) => avgLogProb < -1.5 });
    expect(unsure.calls).toHaveLength(1);
    expect(text).toMatchObject({ text: SPEECH, likeliest: { text: SPEECH, avgLogProb: -2 } });
  });

  it('tells the likeliest text although a sampled one is kept', async () => {
    const unsure = model({ text: SPEECH, avgLogProb: -2 }, { text: ' Another.', avgLogProb: -0.5 });
    const text = await run(unsure, { ladder: [0, 0.4] });
    expect(unsure.calls).toHaveLength(2);
    expect(text).toMatchObject({ text: ' Another.', likeliest: { text: SPEECH, avgLogProb: -2 } });
  });

  it('tells what a silence and a loop lost', async () => {
    const silent = model({ text: ' You', avgLogProb: -1.2, noSpeechProb: 0.9 });
    expect(await run(silent)).toMatchObject({ text: '', removedText: ' You' });
    const looping = model({ text: LOOP });
    const { text, removedText } = await run(looping, { temperature: 0 });
    expect(text + removedText).toBe(LOOP);
  });

  it('does not decode a chunk too quiet to hear', async () => {
    const inventive = model({ text: ' Thanks for watching!' });
    expect(await run(inventive, { loudestDb: -90 })).toMatchObject({
      text: '',
      dropped: 'inaudible',
    });
    expect(inventive.calls).toHaveLength(0);
    expect((await run(inventive, { loudestDb: -60 })).dropped).toBeUndefined();
  });

  it('samples the same stretch alike wherever it is spooled, and each temperature differently', async () => {
    const first = model({ text: SPEECH, avgLogProb: -2 });
    const second = model({ text: SPEECH, avgLogProb: -2 });
    await run(first, { path: '/spool/a' });
    await run(second, { path: '/spool/b' });
    const seeds = first.calls.map(({ search }) => search.seed);
    expect(second.calls.map(({ search }) => search.seed)).toEqual(seeds);
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0)).toBe(true);
  });
});
