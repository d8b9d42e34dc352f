/** How the answer is written. */
export const RESPONSE_FORMATS = [
  'json',
  'verbose_json',
  'text',
  'srt',
  'vtt',
  'tsv',
  'aud',
] as const;
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];

/** What `verbose_json` lists with times. */
export const TIMESTAMP_GRANULARITIES = ['segment', 'word'] as const;
export type TimestampGranularity = (typeof TIMESTAMP_GRANULARITIES)[number];

/** What a caller asks of the answer's form; the pipeline knows nothing of it. */
export interface FormatOptions {
  readonly responseFormat: ResponseFormat;
  readonly timestampGranularities: readonly TimestampGranularity[];
  readonly subtitles: SubtitleOptions;
}

/** How subtitles are cut. */
export interface SubtitleOptions {
  /** Columns, 10..200; letters of full width take two. */
  readonly maxLineWidth: number;
  /** 1..10. */
  readonly maxLineCount: number;
  /** 1..50. Absent: as many as the width takes. */
  readonly maxWordsPerLine?: number;
  /** Mark each word while it is spoken. */
  readonly highlightWords: boolean;
}

/** The usual measure of subtitles: two lines of 42 columns. */
export const DEFAULT_SUBTITLES: SubtitleOptions = {
  maxLineWidth: 42,
  maxLineCount: 2,
  highlightWords: false,
};
