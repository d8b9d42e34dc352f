import { EngineFailure } from '#origin/engine/engine-failure.ts';
import type { AudioSpan, DecodeRequest, EngineCalls } from '#origin/engine/protocol.ts';
import { chunkOf, emissionsOf } from './fake-graphs.ts';
import type { ManualClock } from './manual-clock.ts';

/** Costs of Whisper base on two CPU cores. */
const SEGMENT_SECONDS_PER_WINDOW = 0.008;
const DETECT_SECONDS_PER_SPAN = 0.01;
const ENCODE_SECONDS_PER_SPAN = 0.35;
const EMBED_SECONDS_PER_AUDIO_SECOND = 0.005;
const EMIT_SECONDS_PER_AUDIO_SECOND = 0.05;
const STEP_SECONDS = 0.025;
const TOKENS_PER_SECOND = 4;
const MOST_TOKENS = 110;

export interface SimulatedCall {
  readonly name: keyof EngineCalls;
  readonly spans: readonly AudioSpan[];
  readonly seconds: number;
}

/** An engine that answers after the time a real one would take, on a clock moved by hand. */
export class SimulatedEngine implements EngineCalls {
  readonly calls: SimulatedCall[] = [];
  mostAtOnce = 0;
  /** Fails a call; thrown after its time has passed. */
  failureFor: (call: SimulatedCall) => EngineFailure | null = () => null;
  readonly #clock: ManualClock;
  readonly #encoded = new Set<string>();
  #running = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  async segment({ windows }: Parameters<EngineCalls['segment']>[0]) {
    await this.#spend('segment', windows, windows.length * SEGMENT_SECONDS_PER_WINDOW);
    return { activations: new Float32Array(windows.length), frames: 1, speakers: 1 };
  }

  async encode({ spans }: Parameters<EngineCalls['encode']>[0]) {
    await this.#spend('encode', spans, this.#encodeSeconds(spans));
  }

  async detectLanguage({ spans }: Parameters<EngineCalls['detectLanguage']>[0]) {
    const seconds = spans.length * DETECT_SECONDS_PER_SPAN + this.#encodeSeconds(spans);
    await this.#spend('detectLanguage', spans, seconds);
    return { languages: ['en'], probabilities: new Float32Array(spans.length).fill(1) };
  }

  async decode({ items }: DecodeRequest) {
    const spans = items.map(({ span }) => span);
    const steps = Math.max(...spans.map(tokensOf));
    const stepSeconds = STEP_SECONDS * (0.5 + 0.5 * (items.length / 4));
    await this.#spend('decode', spans, steps * stepSeconds + this.#encodeSeconds(spans));
    return spans.map(({ startSample }) => chunkOf([startSample]));
  }

  async embedSpeakers({ samples }: Parameters<EngineCalls['embedSpeakers']>[0]) {
    const spans = samples.flat();
    const seconds = spans.reduce((sum, span) => sum + span.sampleCount / 16_000, 0);
    await this.#spend('embedSpeakers', spans, seconds * EMBED_SECONDS_PER_AUDIO_SECOND);
    const embeddings = Float32Array.from(samples, ([first]) => first?.startSample ?? 0);
    return { embeddings, dimensions: 1 };
  }

  async emissions({ items }: Parameters<EngineCalls['emissions']>[0]) {
    const spans = items.map(({ span }) => span);
    const longest = Math.max(...spans.map(({ sampleCount }) => sampleCount / 16_000));
    const seconds = items.length * longest * EMIT_SECONDS_PER_AUDIO_SECOND;
    await this.#spend('emissions', spans, seconds);
    return spans.map(({ startSample }) => emissionsOf(startSample));
  }

  async load({ model }: { readonly model: string }) {
    return { model, device: 'cpu', loadSeconds: 0, note: null };
  }

  #encodeSeconds(spans: readonly AudioSpan[]): number {
    const missing = spans.filter((span) => !this.#encoded.has(keyOf(span)));
    for (const span of missing) this.#encoded.add(keyOf(span));
    return missing.length * ENCODE_SECONDS_PER_SPAN;
  }

  async #spend(name: keyof EngineCalls, spans: readonly AudioSpan[], seconds: number) {
    const call = { name, spans, seconds };
    this.#running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clock.after(seconds * 1000, resolve);
    await promise;
    this.#running -= 1;
    this.calls.push(call);
    const failure = this.failureFor(call);
    if (failure instanceof EngineFailure) throw failure;
  }
}

function tokensOf(span: AudioSpan): number {
  return Math.min(MOST_TOKENS, Math.ceil((span.sampleCount / 16_000) * TOKENS_PER_SECOND));
}

function keyOf(span: AudioSpan): string {
  return `${span.path} ${span.startSample}`;
}
