import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import { DEFAULT_SUBTITLES, type FormatOptions } from '#shared/format/options.ts';
import { MISTRAL_MODELS } from '#shared/mistral/capabilities.ts';
import { featuresOfModel } from '#shared/mistral/features.ts';
import { toMistralRequest } from '#shared/mistral/request.ts';
import { readModelName } from '#shared/routing/named-model.ts';
import {
  chooseMistralModel,
  listFeatures,
  type RoutedForm,
  toRouteRequest,
} from '#shared/routing/to-route-request.ts';
import { anyFormat, anyOptions } from '#test/support/any-demand.ts';

const PLAIN: TranscribeOptions = { align: false, diarize: false, task: 'transcribe' };
const JSON_FORMAT: FormatOptions = {
  responseFormat: 'json',
  timestampGranularities: ['segment'],
  subtitles: DEFAULT_SUBTITLES,
};

function features(options: Partial<TranscribeOptions>, format: Partial<FormatOptions> = {}) {
  return listFeatures({ ...PLAIN, ...options }, { ...JSON_FORMAT, ...format });
}

function request(form: Partial<RoutedForm>) {
  return toRouteRequest({
    route: 'auto',
    routing: { allowHosted: true, useRealtime: false },
    named: { kind: 'none' },
    options: PLAIN,
    format: JSON_FORMAT,
    sizeBytes: 1000,
    ...form,
  });
}

describe('listFeatures', () => {
  it.each<[string, Partial<TranscribeOptions>, readonly string[]]>([
    ['nothing for plain text', {}, []],
    ['word times', { align: true }, ['word_times']],
    ['speakers', { diarize: true }, ['diarization']],
    [
      'both as one thing that few can do',
      { align: true, diarize: true },
      ['diarization', 'diarization_with_word_times'],
    ],
    ['names of voices', { knownSpeakers: [{ name: 'Ada' }] }, ['known_speakers']],
    ['embeddings of voices', { speakerEmbeddings: true }, ['known_speakers']],
    ['channels apart', { channels: 'split' }, ['channel_split']],
    ['times of characters', { charAlignments: true }, ['char_alignments']],
    ['a prompt', { prompt: 'x' }, ['prompt']],
    ['no blank prompt', { prompt: ' ' }, []],
    ['hotwords', { hotwords: 'x' }, ['hotwords']],
    ['a language', { language: 'de' }, ['language_hint']],
    ['a translation', { task: 'translate' }, ['translation']],
  ])('finds %s', (_name, options, expected) => {
    expect(features(options)).toEqual(expected);
  });

  it.each(['srt', 'vtt', 'tsv', 'aud', 'verbose_json'] as const)(
    'needs times of sentences for %s',
    (responseFormat) => {
      expect(features({}, { responseFormat })).toEqual(['segment_times']);
    },
  );

  it.each(['json', 'text'] as const)('needs none for %s', (responseFormat) => {
    expect(features({}, { responseFormat })).toEqual([]);
  });

  it('names each feature once, and asking for more never takes one away but word times alone', () => {
    fc.assert(
      fc.property(anyOptions, anyFormat, (options, format) => {
        const found = listFeatures(options, format);
        expect(new Set(found).size).toBe(found.length);
        const more = listFeatures({ ...options, diarize: true, align: true }, format);
        const lost = found.filter((feature) => !more.includes(feature));
        expect(lost.filter((feature) => feature !== 'word_times')).toEqual([]);
      }),
    );
  });
});

describe('toRouteRequest', () => {
  it('takes a named model of either kind for exact', () => {
    const hosted = readModelName('voxtral-mini-2602', false);
    expect(request({ named: hosted }).model).toBe('voxtral-mini-2602');
    expect(request({ named: readModelName('large-v3', false) }).model).toBe('large-v3');
  });

  it.each(['3B', '4b', '24B'])('asks for any Voxtral where %s is named', (size) => {
    const asked = request({ named: readModelName(size, false) });
    expect(asked).toMatchObject({ route: 'voxtral' });
    expect(asked.model).toBeUndefined();
  });

  it('keeps allow_hosted as it is, whatever else is asked', () => {
    const anyName = fc.constantFrom(undefined, 'base', '4B', 'voxtral-mini-latest');
    fc.assert(
      fc.property(anyOptions, anyFormat, anyName, fc.boolean(), (options, format, name, hosted) => {
        const routing = { allowHosted: hosted, useRealtime: true, prefer: 'voxtral' as const };
        const named = readModelName(name, true);
        const asked = request({ options, format, named, routing });
        expect(asked.allowHosted).toBe(hosted);
      }),
    );
  });
});

describe('readModelName', () => {
  it.each([
    [undefined, false, 'none'],
    [undefined, true, 'local_voxtral'],
    ['base', true, 'other'],
    ['Voxtral-Mini-2602', true, 'hosted'],
    ['voxtral-small-latest', false, 'other'],
    ['7B', false, 'other'],
  ])('of %s with use_realtime=%s is %s', (name, useRealtime, kind) => {
    expect(readModelName(name, useRealtime).kind).toBe(kind);
  });
});

describe('chooseMistralModel', () => {
  it('takes the model that was named', () => {
    const named = readModelName('voxtral-mini-transcribe-3', false);
    expect(chooseMistralModel(named, { ...PLAIN, align: true }).id).toBe(
      'voxtral-mini-transcribe-3',
    );
  });

  it('takes one with word times only where they can be had', () => {
    const idFor = (options: Partial<TranscribeOptions>) =>
      chooseMistralModel({ kind: 'none' }, { ...PLAIN, ...options }).id;
    expect(idFor({ align: true })).toBe('voxtral-mini-2602');
    expect(idFor({ align: true, diarize: true })).toBe('voxtral-mini-latest');
    expect(idFor({})).toBe('voxtral-mini-latest');
  });

  it('lacks nothing in silence: whatever routing finds lacking, the request warns of', () => {
    fc.assert(
      fc.property(
        anyOptions,
        anyFormat,
        fc.constantFrom(...MISTRAL_MODELS),
        (options, format, model) => {
          const lacking = listFeatures(options, format).filter(
            (feature) => !featuresOfModel(model).includes(feature),
          );
          const wishes = { stream: true, needsSegmentTimes: false };
          const made = toMistralRequest({ ...options, task: 'transcribe' }, model, wishes);
          const warned = made.ok ? made.value.warnings.length : 0;
          if (lacking.some((feature) => feature !== 'translation')) {
            expect(warned).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});
