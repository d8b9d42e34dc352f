import { deflateSync } from 'node:zlib';

/** What the rules below judge. */
export interface DecodingQuality {
  readonly compressionRatio: number;
  readonly avgLogProb: number;
  readonly noSpeechProb: number;
}

/** Thresholds of openai/whisper's `transcribe`. */
export const COMPRESSION_RATIO_LIMIT = 2.4;
export const AVG_LOG_PROB_LIMIT = -1;
export const NO_SPEECH_LIMIT = 0.6;

/**
 * Bytes of the text over bytes of it deflated by zlib: about 1 to 2 for speech, far more for a loop. Short texts are
 * below 1, because zlib's frame counts. An empty text has 0.
 */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length === 0 ? 0 : bytes.length / deflateSync(bytes).length;
}

/** The text repeats itself more than speech does. */
export function isRepetitive({ compressionRatio }: DecodingQuality): boolean {
  return compressionRatio > COMPRESSION_RATIO_LIMIT;
}

/** The model hears no speech and is not sure of its words either: both, since each alone is often wrong. */
export function isSilence({ noSpeechProb, avgLogProb }: DecodingQuality): boolean {
  return noSpeechProb > NO_SPEECH_LIMIT && avgLogProb < AVG_LOG_PROB_LIMIT;
}

/** Worth another attempt at a higher temperature. Silence is not: it has no better words. */
export function needsFallback(quality: DecodingQuality): boolean {
  if (isSilence(quality)) return false;
  return isRepetitive(quality) || quality.avgLogProb < AVG_LOG_PROB_LIMIT;
}
