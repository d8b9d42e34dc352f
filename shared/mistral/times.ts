/** Times as the transcript promises them: in order within a piece, within the recording, none missing. */
import type { MistralAnswer } from '#shared/mistral/answer.ts';
import type { Piece } from '#shared/mistral/piece.ts';

/**
 * The pieces with text, and how long the recording is: as measured, else what Mistral counted (whole seconds) or the
 * last piece's end, whichever is later. A time that is missing is taken from the neighbour.
 */
export function settleTimes(
  answer: MistralAnswer,
  measuredSeconds: number | undefined,
): { readonly pieces: readonly Piece[]; readonly durationSeconds: number } {
  const given = (answer.segments ?? []).filter(({ text }) => text.trim() !== '');
  const lastEnd = given.reduce((last, it) => Math.max(last, it.end ?? 0, it.start ?? 0), 0);
  const counted = Math.max(0, answer.usage?.prompt_audio_seconds ?? 0);
  const durationSeconds = measuredSeconds ?? Math.max(counted, lastEnd);
  const clamp = (seconds: number) => Math.min(durationSeconds, Math.max(0, seconds));
  let previousEnd = 0;
  const pieces = given.map((it, index): Piece => {
    const startSeconds = clamp(it.start ?? previousEnd);
    const end = it.end ?? given[index + 1]?.start ?? startSeconds;
    const endSeconds = Math.max(startSeconds, clamp(end));
    previousEnd = endSeconds;
    return {
      text: it.text.trim(),
      startSeconds,
      endSeconds,
      score: readScore(it.score),
      speaker: it.speaker_id ?? null,
    };
  });
  return { pieces, durationSeconds };
}

/** Nobody says what a score is, so only what can be a probability counts as one. */
function readScore(score: number | null | undefined): number | null {
  return typeof score === 'number' && score >= 0 && score <= 1 ? score : null;
}
