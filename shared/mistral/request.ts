/** What a caller asked for → the form fields of Mistral's `/v1/audio/transcriptions`, and what had to be left out. */
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import { toBiasItems } from '#shared/mistral/bias.ts';
import type { Granularity, MistralModel } from '#shared/mistral/capabilities.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';

/** A form, but for the file. */
export interface MistralRequest {
  /** In their order; arrays are repeated names without brackets. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** What the `segments` of the answer are; null: the answer has none. */
  readonly granularity: Granularity | null;
  readonly diarize: boolean;
  /** The language that the caller named, sent or not. */
  readonly language: string | null;
  /** Sentences for the caller. */
  readonly warnings: readonly string[];
}

/** What no field can express, and leaving it out would give another answer than the one asked for. */
export type RequestFault = { readonly kind: 'cannot_translate' };

export interface RequestWishes {
  /** The answer is to come as events. */
  readonly stream: boolean;
  /** Times of sentences are needed, as for subtitles, though nobody asked for word times. */
  readonly needsSegmentTimes: boolean;
}

/**
 * Times and language exclude each other: with both the text comes back empty. So the language is left out, with a
 * warning, where words, speakers or subtitles are wanted, and kept otherwise.
 */
export function toMistralRequest(
  options: TranscribeOptions,
  model: MistralModel,
  wishes: RequestWishes,
): Result<MistralRequest, RequestFault> {
  if (options.task === 'translate') return fail({ kind: 'cannot_translate' });
  const warnings: string[] = [];
  const diarize = options.diarize && model.canDiarize;
  if (options.diarize && !diarize) warnings.push(`${model.id} cannot tell speakers apart.`);
  const granularity = chooseGranularity(options, model, { ...wishes, diarize }, warnings);
  const language = chooseLanguage(options, model, granularity, warnings);
  const bias = toBiasItems(options.hotwords ?? '', model.bias);
  warnings.push(...bias.warnings, ...nameIgnored(options));
  const { temperature } = options;
  return ok({
    fields: [
      ['model', model.id],
      ['stream', String(wishes.stream)],
      ['diarize', String(diarize)],
      ...(language === null ? [] : [['language', language] as const]),
      ...(temperature === undefined ? [] : [['temperature', String(temperature)] as const]),
      ...(granularity === null ? [] : [['timestamp_granularities', granularity] as const]),
      ...bias.items.map((item) => ['context_bias', item] as const),
    ],
    granularity,
    diarize,
    language: options.language ?? null,
    warnings,
  });
}

function chooseGranularity(
  options: TranscribeOptions,
  model: MistralModel,
  wishes: { readonly needsSegmentTimes: boolean; readonly diarize: boolean },
  warnings: string[],
): Granularity | null {
  const canWords = model.timestamps.includes('word') && !wishes.diarize;
  if (options.align && canWords) return 'word';
  if (options.align) {
    const why = model.timestamps.includes('word') ? ' together with speakers' : '';
    warnings.push(`${model.id} gives no word times${why}.`);
  }
  const mayDrop = options.language !== undefined && !wishes.needsSegmentTimes;
  // Word times were wanted, so times of sentences are the nearest thing to them.
  if (wishes.diarize || options.align || !mayDrop) return 'segment';
  return null;
}

function chooseLanguage(
  { language }: TranscribeOptions,
  model: MistralModel,
  granularity: Granularity | null,
  warnings: string[],
): string | null {
  if (language === undefined) return null;
  if (!VOXTRAL_LANGUAGES.includes(language)) {
    warnings.push(`${model.id} was not made for the language "${language}"; it was not named.`);
    return null;
  }
  if (granularity !== null && !model.allowsLanguageWithTimes) {
    warnings.push(`${model.id} takes no language together with times; it detected the language.`);
    return null;
  }
  return language;
}

/** `model`, `task` and what is asked of the transcript itself are dealt with elsewhere. */
function nameIgnored(options: TranscribeOptions): string[] {
  const isGiven: readonly (readonly [name: string, given: boolean])[] = [
    ['languages', options.languages !== undefined],
    ['prompt', isText(options.prompt)],
    ['beam_size', options.beamSize !== undefined],
    ['num_speakers', options.diarize && options.numSpeakers !== undefined],
    ['min_speakers', options.diarize && options.minSpeakers !== undefined],
    ['max_speakers', options.diarize && options.maxSpeakers !== undefined],
    ['known_speakers', (options.knownSpeakers?.length ?? 0) > 0],
    ['speaker_embeddings', options.speakerEmbeddings === true],
    ['return_char_alignments', options.charAlignments === true],
    ['channels=split', options.channels === 'split'],
  ];
  const names = isGiven.filter(([, given]) => given).map(([name]) => name);
  return names.length === 0 ? [] : [`Voxtral has no such thing and ignored: ${names.join(', ')}.`];
}

function isText(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '';
}
