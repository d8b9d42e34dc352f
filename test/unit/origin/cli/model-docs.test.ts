import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PUBLISHED_WER, WER_TESTS } from '#models/published-wer.ts';
import { findModel, MODELS } from '#models/registry.ts';
import { MODEL_DOCS_FILE, renderModelDocs } from '#origin/cli/model-docs.ts';

describe('docs/local-stt-models.md', () => {
  it('is up to date (node origin/cli/model-docs.ts)', () => {
    expect(readFileSync(MODEL_DOCS_FILE, 'utf8')).toBe(renderModelDocs());
  });

  it.each(MODELS)('has $name with its repository and licence', ({ name, repository, licence }) => {
    const rows = renderModelDocs()
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const own = rows.filter((line) => line.includes(repository) && line.includes(name));
    expect(own.some((line) => line.includes(licence))).toBe(true);
  });
});

describe('PUBLISHED_WER', () => {
  it.each(PUBLISHED_WER)(
    '$model on $test is a rate of a Whisper model, with its source',
    (entry) => {
      const { model, test, values, source } = entry;
      expect(findModel(model).kind).toBe('whisper');
      expect(URL.canParse(source)).toBe(true);
      expect(values.length).toBeGreaterThan(0);
      expect(values.length).toBeLessThanOrEqual(WER_TESTS[test].columns.length);
      expect(values.every((value) => value > 0 && value < 100)).toBe(true);
    },
  );

  it('has one entry for each model and test', () => {
    const keys = PUBLISHED_WER.map(({ model, test }) => `${model} ${test}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
