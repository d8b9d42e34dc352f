import { appendFileSync } from 'node:fs';
import type { Clip, TimedWord } from '#test/bench/lib/clips.ts';

export interface Transcription {
  /** From the request to the last word. */
  readonly seconds: number;
  readonly text: string;
  /** What was detected. */
  readonly language: string | null;
  /** Null where the contender was not asked for word times. */
  readonly words: readonly TimedWord[] | null;
}

/** A transcriber that is loaded and ready: our server, or another program. */
export interface Contender {
  /** As the tables show it. */
  readonly name: string;
  /** Versions and settings, for the notes. */
  readonly settings: string;
  transcribe(file: string): Promise<Transcription>;
}

/** Transcribes a clip and, where a file is given, adds a JSON line with the whole answer to it. */
export async function transcribeClip(
  contender: Contender,
  clip: Clip,
  texts: string | undefined,
): Promise<Transcription> {
  const answer = await contender.transcribe(clip.path);
  if (texts !== undefined) {
    const line = { contender: contender.name, clip: clip.name, reference: clip.text, ...answer };
    appendFileSync(texts, `${JSON.stringify(line)}\n`);
  }
  return answer;
}
