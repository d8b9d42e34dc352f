/** A stretch with speech. */
export interface SpeechSpan {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** A word's place, before it is fitted. */
export interface TimedSpan {
  startSeconds: number;
  endSeconds: number;
}

/**
 * Moves words out of the silence that voice activity found. A word that begins in silence begins at the next onset;
 * one that ends in silence ends at the last offset; one that spans a pause keeps the side its attention is on, and
 * speech on the other side goes to the word before, where nothing else claims it. Words wholly in silence stay: then
 * the voice activity is wrong, or the word is invented.
 *
 * @param words in order, changed in place
 * @param speech in order, not overlapping; none: nothing is changed
 * @param weightIn how much the decoder attended to word `index` between two times
 */
export function fitToSpeech(
  words: readonly TimedSpan[],
  speech: readonly SpeechSpan[],
  weightIn: (index: number, startSeconds: number, endSeconds: number) => number,
): void {
  words.forEach((word, index) => {
    const touched = speech.filter(
      (span) => span.endSeconds > word.startSeconds && span.startSeconds < word.endSeconds,
    );
    if (touched.length === 0) return;
    const originalStart = word.startSeconds;
    const kept = bestRun(word, index, touched, weightIn);
    word.startSeconds = Math.max(word.startSeconds, kept.startSeconds);
    word.endSeconds = Math.min(word.endSeconds, kept.endSeconds);
    const before = words[index - 1];
    const first = touched[0]!;
    if (before && kept.startSeconds > first.endSeconds && before.endSeconds >= originalStart) {
      before.endSeconds = Math.max(before.endSeconds, first.endSeconds);
    }
  });
}

/** Shorter gaps are the closures inside words (p, t, k), not pauses. */
const SHORTEST_PAUSE_SECONDS = 0.2;

/** Of the runs of speech without a pause in a word, the one its attention is on. */
function bestRun(
  word: TimedSpan,
  index: number,
  touched: readonly SpeechSpan[],
  weightIn: (index: number, startSeconds: number, endSeconds: number) => number,
): SpeechSpan {
  const weightOf = (span: SpeechSpan): number =>
    weightIn(
      index,
      Math.max(span.startSeconds, word.startSeconds),
      Math.min(span.endSeconds, word.endSeconds),
    );
  return joinRuns(touched).reduce((best, run) => (weightOf(run) > weightOf(best) ? run : best));
}

function joinRuns(spans: readonly SpeechSpan[]): SpeechSpan[] {
  const runs: SpeechSpan[] = [];
  for (const span of spans) {
    const last = runs.at(-1);
    if (last && span.startSeconds - last.endSeconds < SHORTEST_PAUSE_SECONDS) {
      runs[runs.length - 1] = { startSeconds: last.startSeconds, endSeconds: span.endSeconds };
    } else runs.push(span);
  }
  return runs;
}
