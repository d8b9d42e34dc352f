import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AudioFeatures, WhisperGraphs } from '#origin/engine/graphs/whisper-graphs.ts';
import type { DecodedChunk, SearchOptions } from '#origin/engine/protocol.ts';
import {
  isReferencePresent,
  loadWhisperBase,
  promptOf,
  readReferenceClip,
  readWhisperReference,
  referenceSearch,
  START_OF_PREVIOUS,
} from '#test/support/whisper-reference.ts';

if (!isReferencePresent) console.warn('Skipped: ../shared with Whisper base is absent.');

const JFK = 'jfk.flac';
/** Its best texts are close to each other, so that searches differ. */
const UNSURE = 'de.wav';
const CLIPS = [JFK, 'en_quilter.wav', UNSURE, 'es.wav', 'fr.wav'];
const FRAMES_PER_SECOND = 50;

describe.skipIf(!isReferencePresent)('searchLoop, with Whisper base', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mana-stt-'));
  const reference = isReferencePresent ? readWhisperReference() : {};
  const features = new Map<string, AudioFeatures>();
  let graphs: WhisperGraphs;

  beforeAll(async () => {
    graphs = await loadWhisperBase(dir, 'cpu-f32');
    const waveforms = await Promise.all(CLIPS.map(readReferenceClip));
    const encoded = await graphs.encode(waveforms);
    for (const [i, clip] of CLIPS.entries()) features.set(clip, existing(encoded[i]));
  });
  afterAll(async () => {
    await graphs?.release();
    rmSync(dir, { recursive: true, force: true });
  });

  const decode = (clips: readonly string[], changes: Partial<SearchOptions> = {}) =>
    graphs.decode({
      features: clips.map((clip) => existing(features.get(clip))),
      prompts: clips.map((clip) => promptOf(existing(reference[clip]).language)),
      sotIndex: 0,
      search: referenceSearch(changes),
    });
  const decodeOne = async (clip: string, changes: Partial<SearchOptions> = {}) =>
    existing((await decode([clip], changes))[0]);

  describe('batches', () => {
    const expectSame = async (changes: Partial<SearchOptions>) => {
      const together = await decode(CLIPS, changes);
      const alone = await Promise.all(CLIPS.map((clip) => decodeOne(clip, changes)));
      expect(together.map(textOf)).toEqual(alone.map(textOf));
      for (const [i, { avgLogProb }] of together.entries()) {
        expect(avgLogProb).toBeCloseTo(existing(alone[i]).avgLogProb, 4);
      }
    };

    it.each([1, 5])('give each item the text it has alone, with %i beams', (beamWidth) =>
      expectSame({ beamWidth }),
    );

    // This penalty prefers long texts. Known fault: an item goes on collecting texts after its search is over, while the
    // batch works on others.
    it('give each item the text it has alone, also where late texts score higher', () =>
      expectSame({ beamWidth: 2, lengthPenalty: 3 }));
  });

  describe('log-probabilities', () => {
    it.each(CLIPS)(
      'of the tokens of %s add up to the mean, but for the end token',
      async (clip) => {
        const { tokenIds, tokenLogProbs, avgLogProb } = await decodeOne(clip);
        expect(tokenLogProbs).toHaveLength(tokenIds.length);
        const end =
          avgLogProb * (tokenIds.length + 1) - tokenLogProbs.reduce((sum, x) => sum + x, 0);
        expect(end).toBeLessThanOrEqual(1e-4);
        expect(end).toBeGreaterThan(-3);
        for (const x of tokenLogProbs) expect(x).toBeLessThanOrEqual(0);
      },
    );

    it('of a wider search are at least those of greedy search', async () => {
      const [greedy, beams] = await Promise.all([
        decodeOne(UNSURE, { beamWidth: 1 }),
        decodeOne(UNSURE, { beamWidth: 5 }),
      ]);
      expect(beams.avgLogProb).toBeGreaterThan(greedy.avgLogProb);
    });
  });

  describe('limits', () => {
    it('stops after maxNewTokens and gives the best unfinished text', async () => {
      const { tokenIds, tokenLogProbs } = await decodeOne(JFK, { beamWidth: 1, maxNewTokens: 6 });
      expect([...tokenIds]).toEqual(existing(reference[JFK]).beam1.tokens.slice(0, 6));
      expect(tokenLogProbs).toHaveLength(6);
    });

    it('never gives a suppressed token', async () => {
      const banned = existing(existing(reference[JFK]).beam1.tokens[1]);
      const { suppressTokens } = referenceSearch();
      const { tokenIds } = await decodeOne(JFK, { suppressTokens: [...suppressTokens, banned] });
      expect(tokenIds).not.toContain(banned);
    });

    it('keeps a token out of the first place only', async () => {
      const [first, second] = existing(reference[JFK]).beam1.tokens;
      const { suppressAtBegin } = referenceSearch();
      const both = [...suppressAtBegin, existing(first), existing(second)];
      const { tokenIds } = await decodeOne(JFK, { beamWidth: 1, suppressAtBegin: both });
      expect(both).not.toContain(tokenIds[0]);
      expect(tokenIds).toContain(second);
    });
  });

  describe('sampling', () => {
    const warm = { temperature: 0.8, beamWidth: 1 };

    it('gives the same text for the same seed', async () => {
      const [a, b] = [
        await decodeOne(UNSURE, { ...warm, seed: 7 }),
        await decodeOne(UNSURE, { ...warm, seed: 7 }),
      ];
      expect(textOf(a)).toEqual(textOf(b));
    });

    it('gives other texts for other seeds', async () => {
      const texts = new Set<string>();
      for (const seed of [1, 2, 3, 4]) {
        texts.add(String(textOf(await decodeOne(UNSURE, { ...warm, seed }))));
      }
      expect(texts.size).toBeGreaterThan(1);
    });

    it.each(CLIPS)('near temperature 0 gives the greedy text of %s', async (clip) => {
      const { tokenIds } = await decodeOne(clip, { temperature: 1e-4, beamWidth: 1, seed: 3 });
      expect([...tokenIds]).toEqual(existing(reference[clip]).beam1.tokens);
    });
  });

  describe('alignment', () => {
    it.each(CLIPS)('of %s has a row for each token and the end, of 1500 frames', async (clip) => {
      const { alignment, tokenIds } = await decodeOne(clip, { align: true });
      expect(alignment).toMatchObject({ rows: tokenIds.length + 1, frames: 1500 });
      expect(alignment?.weights).toHaveLength((tokenIds.length + 1) * 1500);
      expect(alignment?.weights.every(Number.isFinite)).toBe(true);
    });

    it('is not computed unless asked for', async () => {
      expect((await decodeOne(JFK, { align: false })).alignment).toBeNull();
    });

    it.each(CLIPS)('of %s moves forwards through the audio', async (clip) => {
      const peaks = peaksOf(await decodeOne(clip, { align: true }));
      const back = peaks.filter((peak, i) => peak < (peaks[i - 1] ?? 0) - 5);
      expect(back).toEqual([]);
      const seconds = existing(reference[clip]).samples_16k / 16_000;
      expect(Math.max(...peaks)).toBeLessThanOrEqual(seconds * FRAMES_PER_SECOND);
    });

    it("of jfk.flac peaks within 0.25 s of faster-whisper's words", async () => {
      const chunk = await decodeOne(JFK, { align: true, beamWidth: 1 });
      // One token a word up to "ask"; the comma has no word of its own.
      const words = existing(reference[JFK]).dtw_words.slice(0, 5);
      const peaks = peaksOf(chunk);
      for (const [i, [, start, end]] of words.entries()) {
        const seconds = existing(peaks[i]) / FRAMES_PER_SECOND;
        expect(seconds).toBeGreaterThanOrEqual(start - 0.25);
        expect(seconds).toBeLessThanOrEqual(end + 0.25);
      }
    });

    it('is the same in a batch', async () => {
      const [alone, together] = await Promise.all([
        decodeOne(UNSURE, { align: true }),
        decode(CLIPS, { align: true }),
      ]);
      const inBatch = existing(together[CLIPS.indexOf(UNSURE)]);
      const [a, b] = [existing(alone.alignment?.weights), existing(inBatch.alignment?.weights)];
      expect(b).toHaveLength(a.length);
      const differences = a.map((weight, i) => Math.abs(weight - existing(b[i])));
      expect(Math.max(...differences)).toBeLessThan(1e-2);
    });
  });

  describe('prompts', () => {
    const decodePrompt = async (prompt: number[], sotIndex: number, maxNewTokens = 1) => {
      const chunks = await graphs.decode({
        features: [existing(features.get(JFK))],
        prompts: [prompt],
        sotIndex,
        search: referenceSearch({ maxNewTokens, beamWidth: 1 }),
      });
      return existing(chunks[0]);
    };
    const english = promptOfEnglish();
    const context = [START_OF_PREVIOUS, 1119, 11, 452];
    const sot = context.length;

    it('read noSpeechProb at <|startoftranscript|>, wherever it stands', async () => {
      const [whole, cut, wrong] = [
        await decodePrompt([...context, ...english], sot),
        // What comes after cannot be seen from there.
        await decodePrompt([...context, existing(english[0])], sot),
        await decodePrompt([...context, ...english], 0),
      ];
      expect(whole.noSpeechProb).toBeCloseTo(cut.noSpeechProb, 5);
      expect(Math.abs(whole.noSpeechProb - wrong.noSpeechProb)).toBeGreaterThan(1e-3);
    });

    it('with earlier text give the text of the audio', async () => {
      const { tokens } = existing(reference[JFK]).beam1;
      const prompt = [START_OF_PREVIOUS, ...tokens, ...english];
      const { tokenIds } = await decodePrompt(prompt, tokens.length + 1, 200);
      expect([...tokenIds]).toEqual(tokens);
    });
  });
});

function promptOfEnglish(): number[] {
  return isReferencePresent ? promptOf('en') : [];
}

function textOf({ tokenIds }: Pick<DecodedChunk, 'tokenIds'>): number[] {
  return [...tokenIds];
}

/** Frame of the largest weight in each token's row; the row of the end token is left out. */
function peaksOf({ alignment }: DecodedChunk): number[] {
  if (!alignment) throw new Error('no alignment');
  const { weights, rows, frames } = alignment;
  return Array.from({ length: rows - 1 }, (_, row) => {
    const values = weights.subarray(row * frames, (row + 1) * frames);
    return values.indexOf(Math.max(...values));
  });
}

function existing<T>(value: T | null | undefined): T {
  if (value == null) throw new Error('nothing here');
  return value;
}
