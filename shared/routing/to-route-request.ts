/** What a form asks for → what routing must know of it. */
import type { RouteDemand } from '#shared/contracts/route-form.ts';
import type { TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';
import type { FormatOptions } from '#shared/format/options.ts';
import { defaultMistralModel, type MistralModel } from '#shared/mistral/capabilities.ts';
import type { Feature, RouteRequest } from '#shared/routing/backends.ts';
import type { NamedModel } from '#shared/routing/named-model.ts';

export interface RoutedForm extends TranscribeDemand {
  /** By the address. */
  readonly route: 'auto' | 'voxtral';
  readonly routing: RouteDemand;
  readonly named: NamedModel;
  /** Of the recording. */
  readonly sizeBytes: number;
}

/** A named model is exact, so it comes before `prefer`; a local Voxtral asks for the family. */
export function toRouteRequest(form: RoutedForm): RouteRequest {
  const { route, routing, named, options, format, sizeBytes } = form;
  const { prefer, allowHosted } = routing;
  const model = exactModel(named);
  return {
    route: named.kind === 'local_voxtral' ? 'voxtral' : route,
    ...(model !== null && { model }),
    ...(prefer !== undefined && { prefer }),
    ...(options.language !== undefined && { language: options.language }),
    sizeBytes,
    features: listFeatures(options, format),
    allowHosted,
  };
}

/** Everything asked for that some backend may lack, each once. */
export function listFeatures(
  options: TranscribeOptions,
  { responseFormat, timestampGranularities }: FormatOptions,
): readonly Feature[] {
  const { align, diarize } = options;
  const listsSegments =
    responseFormat === 'verbose_json' && timestampGranularities.includes('segment');
  const isAsked: readonly (readonly [Feature, boolean])[] = [
    ['word_times', align && !diarize],
    ['diarization', diarize],
    ['diarization_with_word_times', align && diarize],
    ['segment_times', listsSegments || TIMED_FORMATS.includes(responseFormat)],
    ['known_speakers', hasKnownSpeakers(options)],
    ['channel_split', options.channels === 'split'],
    ['char_alignments', options.charAlignments === true],
    ['prompt', isText(options.prompt)],
    ['hotwords', isText(options.hotwords)],
    ['language_hint', options.language !== undefined],
    ['translation', options.task === 'translate'],
  ];
  return isAsked.filter(([, asked]) => asked).map(([feature]) => feature);
}

/** Mistral's model for a request: the one it names, or the one that gives what it wants. */
export function chooseMistralModel(named: NamedModel, options: TranscribeOptions): MistralModel {
  if (named.kind === 'hosted') return named.model;
  // With speakers no model gives word times, so there is no reason for the pinned one.
  return defaultMistralModel(options.align && !options.diarize);
}

/** These are nothing without times of sentences. */
const TIMED_FORMATS: readonly string[] = ['srt', 'vtt', 'tsv', 'aud'];

function exactModel(named: NamedModel): string | null {
  switch (named.kind) {
    case 'hosted':
      return named.model.id;
    case 'other':
      return named.name;
    default:
      return null;
  }
}

function hasKnownSpeakers({ knownSpeakers, speakerEmbeddings }: TranscribeOptions): boolean {
  return (knownSpeakers?.length ?? 0) > 0 || speakerEmbeddings === true;
}

function isText(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '';
}
