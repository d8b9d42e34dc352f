/** A transcript → the body of the answer in the format asked for. Runs wherever JavaScript does. */
import { AUDIO_SECONDS_HEADER } from '#shared/contracts/audio-seconds.ts';
import { toMilli } from '#shared/contracts/milli.ts';
import type { AnyTranscript, TranscribeOptions } from '#shared/contracts/transcript.ts';
import { type ResponseContext, toTranscriptionResponse } from '#shared/contracts/transcription.ts';
import type { FormatOptions, ResponseFormat } from '#shared/format/options.ts';
import { writeAudacity, writeText, writeTsv } from '#shared/format/plain.ts';
import { writeSrt } from '#shared/format/srt.ts';
import { toVerboseJson } from '#shared/format/verbose-json.ts';
import { writeVtt } from '#shared/format/vtt.ts';

export interface FormattedTranscript {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Writes the answer. Formats without room for warnings have them in the header `X-Warnings`. */
export function formatTranscript(
  transcript: AnyTranscript,
  format: FormatOptions,
  context: ResponseContext & Pick<TranscribeOptions, 'task'>,
): FormattedTranscript {
  const { responseFormat } = format;
  const hasRoom = responseFormat === 'json' || responseFormat === 'verbose_json';
  const warnings = hasRoom ? '' : toWarningsHeader(transcript.warnings);
  return {
    headers: {
      'Content-Type': CONTENT_TYPES[responseFormat],
      [AUDIO_SECONDS_HEADER]: String(toMilli(transcript.durationSeconds)),
      ...(warnings !== '' && { 'X-Warnings': warnings }),
    },
    body: write(transcript, format, context),
  };
}

/** The value of `X-Warnings`. Headers hold printable ASCII on one line, and servers refuse long ones. */
export function toWarningsHeader(warnings: readonly string[]): string {
  return warnings
    .join(' ')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, MAX_HEADER_LENGTH);
}

const MAX_HEADER_LENGTH = 1000;

/** `application/x-subrip` is not registered, but it is what systems know SubRip by. */
const CONTENT_TYPES: Readonly<Record<ResponseFormat, string>> = {
  json: 'application/json',
  verbose_json: 'application/json',
  text: 'text/plain; charset=utf-8',
  srt: 'application/x-subrip; charset=utf-8',
  vtt: 'text/vtt; charset=utf-8',
  tsv: 'text/tab-separated-values; charset=utf-8',
  aud: 'text/plain; charset=utf-8',
};

function write(
  transcript: AnyTranscript,
  { responseFormat, subtitles, timestampGranularities: granularities }: FormatOptions,
  context: ResponseContext & Pick<TranscribeOptions, 'task'>,
): string {
  switch (responseFormat) {
    case 'json':
      return JSON.stringify(toTranscriptionResponse(transcript, context));
    case 'verbose_json':
      return JSON.stringify(toVerboseJson(transcript, { task: context.task, granularities }));
    case 'text':
      return writeText(transcript);
    case 'srt':
      return writeSrt(transcript, subtitles);
    case 'vtt':
      return writeVtt(transcript, subtitles);
    case 'tsv':
      return writeTsv(transcript);
    case 'aud':
      return writeAudacity(transcript);
  }
}
