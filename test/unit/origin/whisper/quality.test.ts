import { describe, expect, it } from 'vitest';
import { findLoop } from '#origin/whisper/loops.ts';
import {
  compressionRatio,
  isRepetitive,
  isSilence,
  needsFallback,
} from '#origin/whisper/quality.ts';
import { tokenBudget } from '#origin/whisper/token-budget.ts';

const fine = { compressionRatio: 1.4, avgLogProb: -0.3, noSpeechProb: 0.1 };

describe('compressionRatio', () => {
  it('is that of zlib on UTF-8 bytes', () => {
    // python3 -c "import zlib; t='so '*60; print(len(t.encode())/len(zlib.compress(t.encode())))"
    expect(compressionRatio('so '.repeat(60))).toBeCloseTo(180 / 14, 5);
    // … t='Grüße aus Köln' → 17 bytes, 25 compressed
    expect(compressionRatio('Grüße aus Köln')).toBeCloseTo(17 / 25, 5);
  });

  it('stays below the limit for short texts, even repeated ones', () => {
    for (const text of ['', 'Ja.', 'Ja, ja, ja.', 'No, no, no, no!', 'はい、はい。']) {
      expect(isRepetitive({ ...fine, compressionRatio: compressionRatio(text) })).toBe(false);
    }
  });
});

describe('needsFallback', () => {
  it('passes a text that is sure and varied', () => {
    expect(needsFallback(fine)).toBe(false);
  });

  it('refuses a repetitive or unsure text, with the limits themselves allowed', () => {
    expect(needsFallback({ ...fine, compressionRatio: 2.41 })).toBe(true);
    expect(needsFallback({ ...fine, avgLogProb: -1.01 })).toBe(true);
    expect(needsFallback({ ...fine, compressionRatio: 2.4, avgLogProb: -1 })).toBe(false);
  });

  it('leaves silence alone', () => {
    const silence = { ...fine, avgLogProb: -1.2, noSpeechProb: 0.7 };
    expect(isSilence(silence)).toBe(true);
    expect(needsFallback(silence)).toBe(false);
  });
});

describe('isSilence', () => {
  it('needs both a high no-speech probability and unsure words', () => {
    expect(isSilence({ ...fine, noSpeechProb: 0.99 })).toBe(false);
    expect(isSilence({ ...fine, avgLogProb: -2, noSpeechProb: 0.6 })).toBe(false);
  });
});

describe('findLoop', () => {
  const speech = Array.from({ length: 30 }, (_, i) => 1000 + i);
  const rounds = (count: number, ...run: number[]) =>
    Array.from({ length: count }, () => run).flat();

  it('finds where a run of tokens comes again and again up to the end', () => {
    expect(findLoop([...speech, ...rounds(6, 1, 2, 3, 4, 5)])).toBe(35);
  });

  it('finds a loop whose last round is cut off', () => {
    expect(findLoop([...speech, ...rounds(6, 1, 2, 3, 4, 5), 1, 2])).toBe(35);
  });

  it('takes the shortest run that repeats', () => {
    expect(findLoop(rounds(50, 7))).toBe(1);
  });

  it('leaves speech that repeats itself a little', () => {
    expect(findLoop(rounds(12, 7))).toBeNull();
    expect(findLoop([...speech, ...rounds(4, 1, 2, 3, 4, 5, 6, 7, 8)])).toBeNull();
    expect(findLoop([...rounds(6, 1, 2, 3, 4, 5), ...speech])).toBeNull();
    expect(findLoop([])).toBeNull();
  });
});

describe('tokenBudget', () => {
  const limits = { promptLength: 4, maxTokens: 448 };

  it('fits prompt and text into the decoder', () => {
    expect(tokenBudget('en', 30, limits)).toBe(444);
    expect(tokenBudget('en', 30, { promptLength: 228, maxTokens: 448 })).toBe(220);
  });

  it('stops loops in short chunks early, but far above the rate of speech', () => {
    expect(tokenBudget('en', 2, limits)).toBe(66);
    expect(tokenBudget('ja', 5, limits)).toBeGreaterThan(5 * 16);
  });

  it('leaves more room to scripts that are spelled byte by byte', () => {
    expect(tokenBudget('th', 4, limits)).toBeGreaterThan(4 * 45);
  });
});
