/** Arbitrary demands of callers, for properties. */
import fc from 'fast-check';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import {
  DEFAULT_SUBTITLES,
  type FormatOptions,
  RESPONSE_FORMATS,
  TIMESTAMP_GRANULARITIES,
} from '#shared/format/options.ts';

export const anyOptions: fc.Arbitrary<TranscribeOptions> = fc.record(
  {
    align: fc.boolean(),
    diarize: fc.boolean(),
    task: fc.constantFrom('transcribe', 'translate'),
    language: fc.constantFrom('de', 'en', 'pl'),
    numSpeakers: fc.integer({ min: 1, max: 5 }),
    knownSpeakers: fc.constantFrom([], [{ name: 'Ada', embedding: [1] }]),
    speakerEmbeddings: fc.boolean(),
    charAlignments: fc.boolean(),
    channels: fc.constantFrom('mix', 'split'),
    prompt: fc.constantFrom('', '  ', 'Names: Ada'),
    hotwords: fc.constantFrom('', 'Ada, Grace Hopper'),
    beamSize: fc.integer({ min: 1, max: 10 }),
    temperature: fc.constantFrom(0, 0.5),
  },
  { requiredKeys: ['align', 'diarize', 'task'] },
);

export const anyFormat: fc.Arbitrary<FormatOptions> = fc.record({
  responseFormat: fc.constantFrom(...RESPONSE_FORMATS),
  timestampGranularities: fc.subarray([...TIMESTAMP_GRANULARITIES], { minLength: 1 }),
  subtitles: fc.constant(DEFAULT_SUBTITLES),
});
