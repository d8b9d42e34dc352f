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
  /** How its times were found; absent where nobody asked for word times. */
  timing?: WordTiming;
  /** Mean probability of its characters in the forced alignment, 0..1; absent without one. */
  alignmentScore?: number;
  /** Its characters, where they were asked for and a forced alignment was made. */
  characters?: CharacterTime[];
  /** `SPEAKER_00`, `SPEAKER_01` …, or the name of a known speaker. */
  speaker?: string;
  /** Share of the word's time in which that speaker, and not another, speaks, 0..1. */
  speakerConfidence?: number;
  /** Another speaker talks at the same time. */
  isOverlapped?: boolean;
  /** Whisper's code, where the recording changes its language. */
  language?: string;
}

/**
 * `aligned`: by a CTC model; `interpolated`: between aligned neighbours, since the model has no sign for it;
 * `attention`: by the decoder's cross-attention; `estimated`: by letters and speech only.
 */
export type WordTiming = 'aligned' | 'interpolated' | 'attention' | 'estimated';

/** One character of a word. Times are null where the aligner has no sign for it. */
export interface CharacterTime {
  text: string;
  startSeconds: number | null;
  endSeconds: number | null;
  /** Probability, 0..1; null where it has no times. */
  score: number | null;
}

/** A sentence, or the part of one that lies in a chunk. `words` is empty when word times were not asked for. */
export interface Segment {
  text: string;
  startSeconds: number;
  endSeconds: number;
  words: Word[];
  speaker?: string;
  /** Mean over its words, weighted by time, 0..1. */
  speakerConfidence?: number;
  isOverlapped?: boolean;
  /** Whisper's code, where the recording changes its language. */
  language?: string;
}

/** Time in a recording. `0 ≤ startSeconds ≤ endSeconds ≤ duration`. */
export interface TimeSpan {
  startSeconds: number;
  endSeconds: number;
}

/** One speaker talking without a pause. Turns of different speakers may overlap. */
export interface SpeakerTurn extends TimeSpan {
  speaker: string;
}

/** A voice of the recording. */
export interface Speaker {
  /** As in words, segments and turns: `SPEAKER_00`, numbered by first appearance, or a known speaker's name. */
  label: string;
  /** Seconds in which the voice is heard, overlaps included. */
  speechSeconds: number;
  /** Cosine to the known speaker's sample; only with a name. */
  similarity?: number;
  /** Unit vector, where asked for. */
  embedding?: number[];
}

/** Who speaks when. */
export interface Diarization {
  /** By first appearance. */
  speakers: Speaker[];
  /** By start. */
  turns: SpeakerTurn[];
}

/** How much of what voice activity takes for speech became words. */
export interface Coverage {
  speechSeconds: number;
  transcribedSeconds: number;
  /** Speech that got its words in a second attempt. */
  recovered: TimeSpan[];
  /** Speech without words even so. */
  missing: TimeSpan[];
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
  /** Absent when speakers were not asked for, or could not be found (then `warnings` says so). */
  diarization?: Diarization;
  coverage: Coverage;
  /** Plain sentences for the caller: what was left out, or is less sure than usual. */
  warnings: string[];
  /** Milliseconds per stage, e.g. `decode`, `vad`, `transcribe`, `align`. */
  timingsMs: Record<string, number>;
}

/** A transcript whoever made it: a hosted model tells nothing of how much speech there was. */
export type AnyTranscript = Omit<Transcript, 'coverage'> & {
  /** Absent where nobody looked for speech beside the model. */
  coverage?: Coverage;
};

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
  /** Exactly so many. */
  numSpeakers?: number;
  /** Voices to call by name. */
  knownSpeakers?: KnownSpeaker[];
  /** Also give each speaker's embedding. */
  speakerEmbeddings?: boolean;
  /** Also give the times of characters. */
  charAlignments?: boolean;
  /** `split`: each channel is a speaker of its own, transcribed alone. `mix`, the default: one recording. */
  channels?: 'mix' | 'split';
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

/** A voice with a name, known by a sample or by the embedding of an earlier answer. */
export interface KnownSpeaker {
  name: string;
  /** Unit vector of this service's speaker encoder. */
  embedding?: number[];
  /** Absolute path of a spooled recording of 1 to 30 s with this voice alone. */
  samplePath?: string;
}
