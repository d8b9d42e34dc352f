import { describe, expect, it } from 'vitest';
import { findVoxtralModel, longestPieceSeconds, VOXTRAL_MODELS } from '#origin/voxtral/models.ts';

describe('findVoxtralModel', () => {
  it.each([
    ['3B', 'voxtral-mini-3b-2507'],
    ['4b', 'voxtral-mini-4b-realtime-2602'],
    [' 24B ', 'voxtral-small-24b-2507'],
    ['mistralai/Voxtral-Mini-3B-2507', 'voxtral-mini-3b-2507'],
    ['Voxtral-Mini-4B-Realtime-2602', 'voxtral-mini-4b-realtime-2602'],
    ['voxtral-small-24b-2507', 'voxtral-small-24b-2507'],
  ])('knows %s', (name, id) => {
    expect(findVoxtralModel(name)?.id).toBe(id);
  });

  it('knows no other model', () => {
    expect(findVoxtralModel('whisper')).toBeNull();
  });

  it('has no name twice', () => {
    const names = VOXTRAL_MODELS.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('longestPieceSeconds', () => {
  it.each(VOXTRAL_MODELS)('keeps $id under the limits of vLLM', (model) => {
    const seconds = longestPieceSeconds(model);
    expect(seconds).toBe(599);
    expect(44 + seconds * 32_000).toBeLessThanOrEqual(25 * 1024 ** 2);
  });

  it('keeps room for the text in a small context', () => {
    const model = { ...VOXTRAL_MODELS[0]!, contextTokens: 4096 };
    const seconds = longestPieceSeconds(model);
    expect(seconds * (12.5 + 10)).toBeLessThanOrEqual(4096 - 256);
    expect(seconds).toBeGreaterThan(160);
  });
});
