import { describe, expect, it } from 'vitest';
import { SPEAKER_MODELS } from '#models/registry/speakers.ts';
import { findModel, sizesOf } from '#models/registry.ts';

describe('SPEAKER_MODELS', () => {
  it('has no model of a repository that asks for an account', () => {
    for (const { repository } of SPEAKER_MODELS) expect(repository).not.toMatch(/^pyannote\//);
  });

  it.each(SPEAKER_MODELS)('pins commit, size and hash of $name', (entry) => {
    const { isPinned, weights } = entry;
    expect(isPinned).toBe(true);
    expect(weights.sha256).toMatch(/^[0-9a-f]{64}$/);
    const headerBytes = (weights.bytes ?? 0) - 4 * entry.parameters;
    expect(headerBytes).toBeGreaterThan(0);
    expect(headerBytes).toBeLessThan(10_000);
    expect(sizesOf(entry).downloadBytes).toBe(weights.bytes);
  });

  it.each([
    ['pyannote/segmentation-3.0', 'segmentation'],
    ['pyannote/wespeaker-voxceleb-resnet34-LM', 'speaker-encoder'],
  ] as const)('finds a model by the name it is known by: %s', (name, kind) => {
    expect(findModel(name, kind).kind).toBe(kind);
  });
});
