import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import { toBiasItems } from '#shared/mistral/bias.ts';
import {
  defaultMistralModel,
  findMistralModel,
  MISTRAL_MODELS,
} from '#shared/mistral/capabilities.ts';
import { type RequestWishes, toMistralRequest } from '#shared/mistral/request.ts';
import { findFault } from '#test/support/mistral-stand-in/check-form.ts';

const PLAIN: TranscribeOptions = { align: false, diarize: false, task: 'transcribe' };
const WISHES: RequestWishes = { stream: false, needsSegmentTimes: false };

function build(options: Partial<TranscribeOptions>, id = 'voxtral-mini-2602', wishes = WISHES) {
  const result = toMistralRequest({ ...PLAIN, ...options }, findMistralModel(id)!, wishes);
  if (!result.ok) throw new Error(result.error.kind);
  const all = (name: string) =>
    result.value.fields.filter(([key]) => key === name).map(([, value]) => value);
  return { ...result.value, all };
}

const anyOptions: fc.Arbitrary<TranscribeOptions> = fc.record(
  {
    align: fc.boolean(),
    diarize: fc.boolean(),
    task: fc.constant<'transcribe'>('transcribe'),
    language: fc.constantFrom('de', 'en', 'pl', 'yue', 'haw'),
    temperature: fc.constantFrom(0, 0.2, 1),
    hotwords: fc.string({ unit: 'grapheme', maxLength: 300 }),
    prompt: fc.string(),
    minSpeakers: fc.nat(5),
  },
  { requiredKeys: ['align', 'diarize', 'task'] },
);

describe('toMistralRequest', () => {
  it('makes no form that Mistral would refuse, for any model and options', () => {
    const anyModel = fc.constantFrom(...MISTRAL_MODELS);
    const anyWishes = fc.record({ stream: fc.boolean(), needsSegmentTimes: fc.boolean() });
    fc.assert(
      fc.property(anyOptions, anyModel, anyWishes, (options, model, wishes) => {
        const request = toMistralRequest(options, model, wishes);
        if (!request.ok) throw new Error(request.error.kind);
        const { fields } = request.value;
        const file = { name: 'a', type: 'audio/wav', sizeBytes: 1, sha256: '' };
        expect(findFault({ fields, file })).toBeNull();
        const names = fields.map(([name]) => name);
        const hasBoth = names.includes('language') && names.includes('timestamp_granularities');
        expect(hasBoth).toBe(false);
      }),
      { seed: 9, numRuns: 500 },
    );
  });

  it('asks for words where word times are wanted and the model has them', () => {
    expect(build({ align: true }).all('timestamp_granularities')).toEqual(['word']);
  });

  it('asks the 3 series for segments, and says that there are no word times', () => {
    const request = build({ align: true }, 'voxtral-mini-transcribe-3');
    expect(request.granularity).toBe('segment');
    expect(request.warnings).toEqual(['voxtral-mini-transcribe-3 gives no word times.']);
  });

  it('asks for segments with speakers, and says that word times are not there', () => {
    const request = build({ align: true, diarize: true });
    expect(request.granularity).toBe('segment');
    expect(request.warnings).toEqual([
      'voxtral-mini-2602 gives no word times together with speakers.',
    ]);
  });

  it('keeps the language where nobody wants times, and asks for times where there is none', () => {
    expect(build({ language: 'de' })).toMatchObject({ granularity: null, warnings: [] });
    expect(build({}).granularity).toBe('segment');
  });

  it('drops the language for subtitles, with a warning', () => {
    const wishes = { stream: false, needsSegmentTimes: true };
    const request = build({ language: 'de' }, 'voxtral-mini-2602', wishes);
    expect(request.all('language')).toEqual([]);
    expect(request.warnings).toEqual([
      'voxtral-mini-2602 takes no language together with times; it detected the language.',
    ]);
  });

  it('names no language that Voxtral does not know', () => {
    const request = build({ language: 'yue' });
    expect(request.all('language')).toEqual([]);
    expect(request.warnings[0]).toContain('"yue"');
  });

  it('sends hotwords as repeated context_bias', () => {
    const hotwords = 'Mana Core, Voxtral';
    expect(build({ hotwords }).all('context_bias')).toEqual(['Mana_Core', 'Voxtral']);
    const phrases = build({ hotwords }, 'voxtral-mini-transcribe-3').all('context_bias');
    expect(phrases).toEqual(['Mana Core', 'Voxtral']);
  });

  it('names in one warning all that Voxtral has no field for', () => {
    const { warnings } = build({
      prompt: 'x',
      beamSize: 3,
      channels: 'split',
      diarize: true,
      numSpeakers: 2,
    });
    expect(warnings).toEqual([
      'Voxtral has no such thing and ignored: prompt, beam_size, num_speakers, channels=split.',
    ]);
  });

  it('refuses to translate, rather than give the text untranslated', () => {
    const model = defaultMistralModel(false);
    expect(toMistralRequest({ ...PLAIN, task: 'translate' }, model, WISHES)).toEqual({
      ok: false,
      error: { kind: 'cannot_translate' },
    });
  });
});

describe('toBiasItems', () => {
  it('takes each hotword once, and the first ones of too many', () => {
    const many = Array.from({ length: 120 }, (_, index) => `w${index}`).join(',');
    const rules = { maxItems: 100, form: 'word', maxItemLength: 10 } as const;
    const { items, warnings } = toBiasItems(`w0, w0,${many},${'x'.repeat(11)}`, rules);
    expect(items).toHaveLength(100);
    expect(warnings).toEqual([
      '21 of 121 hotwords were left out: at most 100 of up to 10 characters are taken.',
    ]);
  });
});

describe('findMistralModel', () => {
  it('knows no model of another route, nor one nobody looked at', () => {
    expect(findMistralModel('voxtral-small-latest')).toBeNull();
    expect(findMistralModel('voxtral-mini-transcribe-realtime-2602')).toBeNull();
    expect(findMistralModel('toString')).toBeNull();
  });
});

describe('defaultMistralModel', () => {
  it('is a pinned one with word times where they are wanted', () => {
    expect(defaultMistralModel(true)).toMatchObject({ id: 'voxtral-mini-2602', isMoving: false });
    expect(defaultMistralModel(true).timestamps).toContain('word');
    expect(defaultMistralModel(false).id).toBe('voxtral-mini-latest');
  });
});
