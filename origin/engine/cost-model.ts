/**
 * What the engine's calls will cost, in seconds, learned from those it has answered. The choice of the next call
 * needs no more than the right order of magnitude; the first guesses are those of Whisper base on two CPU cores.
 */

/** Weight of the newest observation. */
const LEARNING_RATE = 0.3;
/** An observation counts as at most this many times the present belief: a call that also loaded the model. */
const OUTLIER_FACTOR = 3;

const FIRST_SEGMENT_SECONDS_PER_WINDOW = 0.01;
const FIRST_DETECT_SECONDS_PER_SPAN = 0.02;
const FIRST_ENCODE_SECONDS_PER_SPAN = 0.35;
const FIRST_EMBED_SECONDS_PER_AUDIO_SECOND = 0.005;
const FIRST_EMIT_SECONDS_PER_AUDIO_SECOND = 0.05;
/** A batch of four: seconds per second of its longest chunk (25 ms a step, about 4 tokens a second of speech). */
const FIRST_DECODE_SECONDS_PER_AUDIO_SECOND = 0.1;

export class CostModel {
  readonly #beliefs = new Map<string, number>();

  segment(windows: number): number {
    return windows * this.#belief('segment', FIRST_SEGMENT_SECONDS_PER_WINDOW);
  }

  embed(voiceSeconds: number): number {
    return voiceSeconds * this.#belief('embed', FIRST_EMBED_SECONDS_PER_AUDIO_SECOND);
  }

  /** `items` chunks for one aligner, padded to the longest. */
  emit(model: string, items: number, longestSeconds: number): number {
    const unit = this.#belief(`emit ${model}`, FIRST_EMIT_SECONDS_PER_AUDIO_SECOND);
    return unit * items * longestSeconds;
  }

  detect(model: string, spans: number): number {
    return spans * this.#belief(`detect ${model}`, FIRST_DETECT_SECONDS_PER_SPAN);
  }

  encode(model: string, spans: number): number {
    return spans * this.#belief(`encode ${model}`, FIRST_ENCODE_SECONDS_PER_SPAN);
  }

  /** `longestSeconds` of audio in the longest of `items` chunks that share one search. */
  decode(search: string, items: number, longestSeconds: number): number {
    const unit = this.#belief(`decode ${search}`, FIRST_DECODE_SECONDS_PER_AUDIO_SECOND);
    return unit * longestSeconds * batchFactor(items);
  }

  sawSegment(windows: number, seconds: number): void {
    this.#learn('segment', FIRST_SEGMENT_SECONDS_PER_WINDOW, seconds / windows);
  }

  sawEmbed(voiceSeconds: number, seconds: number): void {
    this.#learn('embed', FIRST_EMBED_SECONDS_PER_AUDIO_SECOND, seconds / voiceSeconds);
  }

  sawEmit(model: string, items: number, longestSeconds: number, seconds: number): void {
    const unit = seconds / (items * longestSeconds);
    this.#learn(`emit ${model}`, FIRST_EMIT_SECONDS_PER_AUDIO_SECOND, unit);
  }

  sawDetect(model: string, spans: number, seconds: number): void {
    this.#learn(`detect ${model}`, FIRST_DETECT_SECONDS_PER_SPAN, seconds / spans);
  }

  sawEncode(model: string, spans: number, seconds: number): void {
    this.#learn(`encode ${model}`, FIRST_ENCODE_SECONDS_PER_SPAN, seconds / spans);
  }

  sawDecode(search: string, items: number, longestSeconds: number, seconds: number): void {
    const unit = seconds / (longestSeconds * batchFactor(items));
    this.#learn(`decode ${search}`, FIRST_DECODE_SECONDS_PER_AUDIO_SECOND, unit);
  }

  #belief(key: string, first: number): number {
    return this.#beliefs.get(key) ?? first;
  }

  #learn(key: string, first: number, observed: number): void {
    if (!Number.isFinite(observed)) return;
    const belief = this.#belief(key, first);
    const bounded = Math.min(observed, belief * OUTLIER_FACTOR);
    this.#beliefs.set(key, belief + LEARNING_RATE * (bounded - belief));
  }
}

/** Cost of a step by batch size, relative to a batch of four; half of it is the same for any size. */
function batchFactor(items: number): number {
  return 0.5 + 0.5 * (items / 4);
}
