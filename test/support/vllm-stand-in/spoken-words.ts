/**
 * Words as sound that a few lines of code can hear: so the stand-in answers with what is really in the audio it got, and
 * a lost, doubled or cut word shows. A word is a loud mark and five levels, its number in base 8.
 */

export const SAMPLE_RATE = 16_000;
const MARK_SAMPLES = 480;
const DIGIT_SAMPLES = 640;
const DIGITS = 5;
/** 0.23 s */
export const WORD_SAMPLES = MARK_SAMPLES + DIGITS * DIGIT_SAMPLES;
export const WORD_COUNT = 8 ** DIGITS;
const MARK = 0.95;
/** Speech that is no word: breath between words that are spoken without a pause. */
export const BREATH = 0.02;

/** Writes the word with this number into the samples; what lies outside of them is left out. */
export function speak(samples: Float32Array, startSample: number, word: number): void {
  for (let i = 0; i < WORD_SAMPLES; i += 1) {
    const at = startSample + i;
    if (at >= 0 && at < samples.length) samples[at] = levelOf(word, i);
  }
}

/** As it is written. */
export function spell(word: number): string {
  return `w${word.toString(36)}`;
}

/** What a model would write: every whole word, and `…` for one that the ends of the audio cut in two. */
export function hear(samples: Float32Array): string {
  const words: string[] = [];
  let at = 0;
  if ((samples[0] ?? 0) > BREATH * 2 && samples[0]! < MARK - 0.02) {
    words.push('fragment');
    while (at < samples.length && samples[at]! > BREATH * 2 && samples[at]! < MARK - 0.02) at += 1;
  }
  while (at < samples.length) {
    if (samples[at]! < MARK - 0.02) {
      at += 1;
    } else {
      words.push(at + WORD_SAMPLES <= samples.length ? spell(readWord(samples, at)) : 'fragment');
      at += WORD_SAMPLES;
    }
  }
  return (
    words.map((word, i) => (i === 0 ? word.toUpperCase() : ` ${word}`)).join('') +
    (words.length > 0 ? '.' : '')
  );
}

function levelOf(word: number, offset: number): number {
  if (offset < MARK_SAMPLES) return MARK;
  const digit = Math.floor((offset - MARK_SAMPLES) / DIGIT_SAMPLES);
  return (Math.floor(word / 8 ** digit) % 8) / 10 + 0.1;
}

function readWord(samples: Float32Array, start: number): number {
  let word = 0;
  for (let digit = 0; digit < DIGITS; digit += 1) {
    const middle = start + MARK_SAMPLES + digit * DIGIT_SAMPLES + DIGIT_SAMPLES / 2;
    word += Math.round((samples[middle]! - 0.1) * 10) * 8 ** digit;
  }
  return word;
}
