/** Mistral's speakers (`speaker_1`, in any order) → ours (`SPEAKER_00`, by first appearance). */
import type { Diarization, Segment, SpeakerTurn } from '#shared/contracts/transcript.ts';
import type { Piece } from '#shared/mistral/piece.ts';

export function labelSpeakers(pieces: readonly Piece[]): readonly Piece[] {
  const labels = new Map<string, string>();
  const inOrder = pieces.toSorted((a, b) => a.startSeconds - b.startSeconds);
  for (const { speaker } of inOrder) {
    if (speaker === null || labels.has(speaker)) continue;
    labels.set(speaker, `SPEAKER_${String(labels.size).padStart(2, '0')}`);
  }
  return pieces.map((piece) => ({
    ...piece,
    speaker: piece.speaker === null ? null : (labels.get(piece.speaker) ?? null),
  }));
}

/** Turns from the sentences: all that Mistral tells. Null when no sentence has a speaker. */
export function toDiarization(segments: readonly Segment[]): Diarization | null {
  const turns: SpeakerTurn[] = [];
  for (const segment of segments.toSorted((a, b) => a.startSeconds - b.startSeconds)) {
    const { speaker, startSeconds, endSeconds } = segment;
    const last = turns.at(-1);
    if (speaker === undefined) continue;
    const goesOn = last?.speaker === speaker && startSeconds - last.endSeconds < TURN_PAUSE_SECONDS;
    if (goesOn) last.endSeconds = Math.max(last.endSeconds, endSeconds);
    else turns.push({ speaker, startSeconds, endSeconds });
  }
  if (turns.length === 0) return null;
  const seconds = new Map<string, number>();
  for (const { speaker, startSeconds, endSeconds } of turns) {
    seconds.set(speaker, (seconds.get(speaker) ?? 0) + endSeconds - startSeconds);
  }
  const speakers = [...seconds].map(([label, speechSeconds]) => ({ label, speechSeconds }));
  return { speakers, turns };
}

/** A speaker who pauses for longer begins a new turn. */
const TURN_PAUSE_SECONDS = 0.5;
