/** The fields of `POST /transcribe`: from what was sent to what the pipeline and the answer's format must know. */
import { z } from 'zod';
import {
  FormBoolean,
  FormKnownSpeakers,
  FormLanguage,
  FormLanguages,
  FormModel,
  FormSpeakerNames,
  formChoice,
  formChoices,
  formNumber,
  formText,
} from '#shared/contracts/form-fields.ts';
import { type FormField, readFields } from '#shared/contracts/read-fields.ts';
import type { KnownSpeaker, TranscribeOptions } from '#shared/contracts/transcript.ts';
import type { FieldFault } from '#shared/errors.ts';
import {
  DEFAULT_SUBTITLES,
  type FormatOptions,
  RESPONSE_FORMATS,
  TIMESTAMP_GRANULARITIES,
} from '#shared/format/options.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export type { FormField } from '#shared/contracts/read-fields.ts';

/** The fields by their main names. Other fields are ignored, as the service that this one replaces did. */
export const TranscribeForm = z
  .object({
    language: FormLanguage.optional().describe(
      'Code, locale or name. Absent or `auto`: detected from the speech.',
    ),
    languages: FormLanguages.optional().describe(
      'Detection chooses among these only; commas between them, or the field repeated.',
    ),
    model: FormModel.optional().describe('A name from GET /models. Absent: the default model.'),
    align: FormBoolean.default(true).describe('Word times. Alias `alignment`.'),
    diarize: FormBoolean.default(false).describe(
      'Speakers. Alias `diarization`. On by itself with known speakers or embeddings.',
    ),
    min_speakers: speakerCount().optional().describe('At least so many speakers.'),
    max_speakers: speakerCount().optional().describe('At most so many speakers.'),
    num_speakers: speakerCount().optional().describe('Exactly so many speakers.'),
    known_speakers: FormKnownSpeakers.optional().describe(
      'Voices to call by name: JSON `[{"name", "embedding"}]`, the embeddings from an earlier answer.',
    ),
    known_speaker_names: FormSpeakerNames.optional().describe(
      'A name for each sample in `known_speaker_references`, the field repeated.',
    ),
    speaker_embeddings: FormBoolean.default(false).describe(
      'Also give an embedding of each speaker.',
    ),
    return_char_alignments: FormBoolean.default(false).describe(
      'Also give the times of characters, where a forced alignment was made.',
    ),
    channels: formChoice(['mix', 'split'])
      .default('mix')
      .describe('`split`: each channel is one speaker, transcribed alone.'),
    prompt: formText(4000).optional().describe('Text that comes before: style, names, spelling.'),
    hotwords: formText(2000).optional().describe('Words to expect, commas between them.'),
    beam_size: formNumber({ min: 1, max: 10, integer: true })
      .optional()
      .describe(
        'Hypotheses followed at a time. Absent: one where that is sure of its words, else 5.',
      ),
    temperature: formNumber({ min: 0, max: 1 })
      .optional()
      .describe('One temperature in place of the usual ladder.'),
    task: formChoice(['transcribe', 'translate'])
      .default('transcribe')
      .describe('`translate` gives English text.'),
    response_format: formChoice(RESPONSE_FORMATS)
      .default('json')
      .describe(
        `How the answer is written: ${RESPONSE_FORMATS.map((it) => `\`${it}\``).join(', ')}.`,
      ),
    timestamp_granularities: formChoices(TIMESTAMP_GRANULARITIES)
      .optional()
      .describe('`segment`, `word` or both: what `verbose_json` lists. Absent: `segment`.'),
    max_line_width: formNumber({ min: 10, max: 200, integer: true })
      .default(DEFAULT_SUBTITLES.maxLineWidth)
      .describe('`srt` and `vtt`: columns of a line, 10 to 200; letters of full width take two.'),
    max_line_count: formNumber({ min: 1, max: 10, integer: true })
      .optional()
      .describe('`srt` and `vtt`: lines of a subtitle, 1 to 10. Absent: 2.'),
    max_words_per_line: formNumber({ min: 1, max: 50, integer: true })
      .optional()
      .describe('`srt` and `vtt`: 1 to 50; without `max_line_count` subtitles have one line then.'),
    highlight_words: FormBoolean.default(DEFAULT_SUBTITLES.highlightWords).describe(
      '`srt`: underline each word while it is spoken; `vtt`: the time of each word.',
    ),
  })
  .check((context) => {
    const { min_speakers: min, max_speakers: max, num_speakers: exact } = context.value;
    const refuse = (name: string, input: number, message: string) =>
      context.issues.push({ code: 'custom', path: [name], message, input });
    if (min !== undefined && max !== undefined && min > max) {
      refuse('min_speakers', min, `${min} is more than max_speakers (${max}).`);
    }
    if (exact === undefined) return;
    if (min !== undefined && min > exact) {
      refuse('num_speakers', exact, `${exact} is less than min_speakers (${min}).`);
    }
    if (max !== undefined && max < exact) {
      refuse('num_speakers', exact, `${exact} is more than max_speakers (${max}).`);
    }
  });

/** A form that was understood. */
export interface TranscribeDemand {
  readonly options: TranscribeOptions;
  readonly format: FormatOptions;
}

/**
 * Reads the text fields of a form, as `readFields` does.
 * @param samplePaths spooled samples of known speakers, in the order of their fields
 */
export function parseTranscribeForm(
  fields: readonly FormField[],
  samplePaths: readonly string[] = [],
): Result<TranscribeDemand, readonly FieldFault[]> {
  const parsed = readFields(TranscribeForm, fields, { aliases: ALIASES, lists: LISTS });
  if (!parsed.ok) return parsed;
  const knownSpeakers = joinKnownSpeakers(parsed.value, samplePaths);
  if (!knownSpeakers.ok) return knownSpeakers;
  return ok({
    options: toOptions(parsed.value, knownSpeakers.value),
    format: toFormat(parsed.value),
  });
}

const ALIASES: Readonly<Record<string, string>> = {
  alignment: 'align',
  diarization: 'diarize',
  'languages[]': 'languages',
  'known_speaker_names[]': 'known_speaker_names',
  'timestamp_granularities[]': 'timestamp_granularities',
};

/** Fields that may be repeated. */
const LISTS: ReadonlySet<string> = new Set([
  'languages',
  'known_speaker_names',
  'timestamp_granularities',
]);

type ParsedForm = z.output<typeof TranscribeForm>;

function speakerCount() {
  return formNumber({ min: 1, max: 50, integer: true });
}

/** Names and samples belong together by their order, as OpenAI's API has it. */
function joinKnownSpeakers(
  form: ParsedForm,
  samplePaths: readonly string[],
): Result<KnownSpeaker[], readonly FieldFault[]> {
  const names = form.known_speaker_names ?? [];
  const refuse = (message: string) =>
    fail([{ field: 'known_speaker_names', message, type: 'value_error' }]);
  if (names.length !== samplePaths.length) {
    return refuse(
      `there are ${names.length} names and ${samplePaths.length} samples in known_speaker_references; send one sample for each name.`,
    );
  }
  const sampled = samplePaths.map((samplePath, index) => ({
    name: names[index] ?? '',
    samplePath,
  }));
  const all = [...(form.known_speakers ?? []), ...sampled];
  const isDouble = new Set(all.map(({ name }) => name)).size < all.length;
  return isDouble ? refuse('two known speakers have one name.') : ok(all);
}

function toFormat(form: ParsedForm): FormatOptions {
  const { max_line_count: lineCount, max_words_per_line: wordsPerLine } = form;
  const usualLines = wordsPerLine === undefined ? DEFAULT_SUBTITLES.maxLineCount : 1;
  return {
    responseFormat: form.response_format,
    timestampGranularities: form.timestamp_granularities ?? ['segment'],
    subtitles: {
      maxLineWidth: form.max_line_width,
      maxLineCount: lineCount ?? usualLines,
      highlightWords: form.highlight_words,
      ...(wordsPerLine !== undefined && { maxWordsPerLine: wordsPerLine }),
    },
  };
}

function toOptions(form: ParsedForm, knownSpeakers: KnownSpeaker[]): TranscribeOptions {
  return {
    align: form.align,
    // Who names voices wants to read the names.
    diarize: form.diarize || form.speaker_embeddings || knownSpeakers.length > 0,
    task: form.task,
    knownSpeakers,
    speakerEmbeddings: form.speaker_embeddings,
    charAlignments: form.return_char_alignments,
    channels: form.channels,
    ...(form.language !== undefined && { language: form.language }),
    ...(form.languages !== undefined && { languages: form.languages }),
    ...(form.model !== undefined && { model: form.model }),
    ...(form.min_speakers !== undefined && { minSpeakers: form.min_speakers }),
    ...(form.max_speakers !== undefined && { maxSpeakers: form.max_speakers }),
    ...(form.num_speakers !== undefined && { numSpeakers: form.num_speakers }),
    ...(form.prompt !== undefined && { prompt: form.prompt }),
    ...(form.hotwords !== undefined && { hotwords: form.hotwords }),
    ...(form.beam_size !== undefined && { beamSize: form.beam_size }),
    ...(form.temperature !== undefined && { temperature: form.temperature }),
  };
}
