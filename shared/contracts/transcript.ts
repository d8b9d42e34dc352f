/**
 * What the pipeline makes of a recording, in the service's own words: camelCase, seconds. `transcription.ts` beside
 * this file turns it into the wire format; nothing else does.
 */

/** One spoken word with the punctuation that belongs to it. `0 ≤ startSeconds ≤ endSeconds ≤ duration`. */
export interface Word {
  text: string;
  startSeconds: number;
  endSeconds: number;
  /** Mean probability of the word's tokens, 0..1. */
  score: number;
  /** `SPEAKER_00`, `SPEAKER_01` … */
  speaker?: string;
}

/** A sentence, or the part of one that lies in a chunk. `words` is empty when word times were not asked for. */
export interface Segment {
  text: string;
  startSeconds: number;
  endSeconds: number;
  words: Word[];
  speaker?: string;
}

/** How much of the speech is in a language, 0..1. */
export interface LanguageShare {
  language: string;
  probability: number;
}

/** The result of one request. */
export interface Transcript {
  /** The whole text; empty when nothing was said. */
  text: string;
  /** Whisper's code of the main language, e.g. `de`. */
  language: string;
  /** Most probable first. When the caller named the language it stands alone. */
  languages: LanguageShare[];
  /** The model's name without prefix, e.g. `base`. */
  model: string;
  durationSeconds: number;
  segments: Segment[];
  /** False when word times were not asked for, or could not be found (then `warnings` says so). */
  hasWordTimes: boolean;
  /** Plain sentences for the caller: what was left out, or is less sure than usual. */
  warnings: string[];
  /** Milliseconds per stage, e.g. `decode`, `vad`, `transcribe`, `align`. */
  timingsMs: Record<string, number>;
}

/** What a caller asks for, after the form has been checked. */
export interface TranscribeOptions {
  /** Whisper's code. Absent: detected from the speech. */
  language?: string;
  /** Detection chooses among these only. */
  languages?: string[];
  /** A model's name, e.g. `base`. Absent: the service's default. */
  model?: string;
  /** Word times wanted. */
  align: boolean;
  /** Speakers wanted. */
  diarize: boolean;
  minSpeakers?: number;
  maxSpeakers?: number;
  /** Text that comes before the recording: style, names, spelling. */
  prompt?: string;
  /** Words to expect, comma-separated. */
  hotwords?: string;
  /** 1..10. Absent: greedy where that is sure of its words, else 5 beams. */
  beamSize?: number;
  /** 0..1, in place of the usual ladder of rising temperatures. */
  temperature?: number;
  /** `translate` gives English text. */
  task: 'transcribe' | 'translate';
}
