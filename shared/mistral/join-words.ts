/** Words with times → sentences, where Mistral gives words alone. */
import type { Segment, Word } from '#shared/contracts/transcript.ts';
import { joinTexts } from '#shared/format/scripts.ts';
import type { Piece } from '#shared/mistral/piece.ts';

/** A sentence ends at its mark, at a pause, where the speaker changes, and where it becomes too long to read. */
export function joinWords(pieces: readonly Piece[]): Segment[] {
  const sentences: Piece[][] = [];
  for (const piece of pieces) {
    const sentence = sentences.at(-1);
    const last = sentence?.at(-1);
    const first = sentence?.[0];
    if (last === undefined || first === undefined || isBoundary(first, last, piece)) {
      sentences.push([piece]);
    } else {
      sentence?.push(piece);
    }
  }
  return sentences.map(toSentence);
}

const PAUSE_SECONDS = 1;
const LONGEST_SENTENCE_SECONDS = 30;
const SENTENCE_END = /[.!?…。！？؟।]["'”’»)\]]*$/u;

function isBoundary(first: Piece, last: Piece, next: Piece): boolean {
  return (
    SENTENCE_END.test(last.text) ||
    next.speaker !== last.speaker ||
    next.startSeconds - last.endSeconds >= PAUSE_SECONDS ||
    next.endSeconds - first.startSeconds > LONGEST_SENTENCE_SECONDS
  );
}

function toSentence(pieces: readonly Piece[]): Segment {
  const words = pieces.map(toWord);
  const speaker = pieces[0]?.speaker ?? null;
  return {
    text: joinTexts(pieces.map(({ text }) => text)),
    startSeconds: words.reduce((first, word) => Math.min(first, word.startSeconds), Infinity),
    endSeconds: words.reduce((last, word) => Math.max(last, word.endSeconds), 0),
    words,
    ...(speaker !== null && { speaker }),
  };
}

function toWord({ text, startSeconds, endSeconds, score, speaker }: Piece): Word {
  return {
    text,
    startSeconds,
    endSeconds,
    score: score ?? 0,
    ...(speaker !== null && { speaker }),
  };
}
