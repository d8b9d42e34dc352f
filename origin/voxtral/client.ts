/** One piece of audio → its text, by vLLM's `POST /v1/audio/transcriptions`. */
import { type Clock, systemClock } from '#origin/engine/clock.ts';
import { readEvent, readJsonAnswer, StreamedText } from '#origin/voxtral/answer.ts';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import { SAMPLE_RATE, VLLM_MAX_FILE_BYTES, type VoxtralModel } from '#origin/voxtral/models.ts';
import { readRefusal } from '#origin/voxtral/read-refusal.ts';
import type { ServerAddress } from '#origin/voxtral/server.ts';
import { encodeWav } from '#origin/voxtral/wav.ts';
import { abortAfter, untilAborted } from '#shared/abort-after.ts';
import { readBytes, readText } from '#shared/mistral/bounded-body.ts';
import { createSseParser } from '#shared/mistral/sse.ts';
import { fail, type Result } from '#shared/result.ts';
import { VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';

export interface PieceRequest {
  readonly model: VoxtralModel;
  /** 16 kHz, mono, -1..1. */
  readonly samples: Float32Array;
  /** Code; null: to be detected. One that Voxtral was not made for is not sent. */
  readonly language: string | null;
}

export interface PieceOptions {
  readonly address: ServerAddress;
  /** For request and answer together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  /** Default true: only a stream shows that the server has stopped working. */
  readonly stream?: boolean;
  /** Longest pause in a stream after its first event. Default 30 s. */
  readonly stallMs?: number;
  /** Most deltas without a letter in a row; default: no limit. */
  readonly maxBlankDeltas?: number;
  /** Told of the text as it grows. */
  readonly onDelta?: (text: string) => void;
}

const STALL_MS = 30_000;
/** A thousand times what 10 minutes of speech need. */
const MAX_ANSWER_BYTES = 16_000_000;

/** Every expected failure is a value; nothing of what the server wrote is in it. */
export async function transcribePiece(
  request: PieceRequest,
  options: PieceOptions,
): Promise<Result<string, VoxtralFailure>> {
  const clock = options.clock ?? systemClock;
  const wav = encodeWav(request.samples);
  if (wav.byteLength > VLLM_MAX_FILE_BYTES) return fail({ kind: 'too_large' });
  const limit = abortAfter(options.timeoutMs, options.signal, clock.after);
  const stall = createStallWatch(options.stallMs ?? STALL_MS, clock);
  const signal = AbortSignal.any([limit.signal, stall.signal]);
  try {
    return await exchange(toForm(request, wav, options.stream ?? true), options, { signal, stall });
  } catch {
    // What fetch and streams throw says the same thing in other words: it broke. Why is known here.
    if (limit.hasExpired()) return fail({ kind: 'timeout', limitMs: options.timeoutMs });
    if (options.signal.aborted) return fail({ kind: 'aborted' });
    if (stall.hasStalled()) return fail({ kind: 'stalled', limitMs: options.stallMs ?? STALL_MS });
    return fail({ kind: 'unreachable' });
  } finally {
    limit.dispose();
    stall.dispose();
  }
}

interface Watch {
  readonly signal: AbortSignal;
  readonly stall: StallWatch;
}

async function exchange(
  body: FormData,
  { address, fetch: given, ...options }: PieceOptions,
  { signal, stall }: Watch,
): Promise<Result<string, VoxtralFailure>> {
  const init: RequestInit = {
    method: 'POST',
    headers: {
      Accept: 'application/json, text/event-stream',
      ...(address.apiKey !== null && { Authorization: `Bearer ${address.apiKey}` }),
    },
    body,
    redirect: 'manual',
    signal,
  };
  const send = given ?? fetch;
  const url = `${address.baseUrl}/v1/audio/transcriptions`;
  const response = await untilAborted(send(url, init), signal);
  if (response.status !== 200) return fail(await readRefusal(response, signal));
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'text/event-stream') return await readEvents(response, options, { signal, stall });
  if (type !== 'application/json') return fail({ kind: 'broken_answer', problem: 'wrong_type' });
  const text = await readText(response, MAX_ANSWER_BYTES, signal);
  if (text === null) return fail({ kind: 'broken_answer', problem: 'too_large' });
  return readJsonAnswer(text);
}

async function readEvents(
  response: Response,
  {
    maxBlankDeltas = Number.POSITIVE_INFINITY,
    onDelta,
  }: Pick<PieceOptions, 'maxBlankDeltas' | 'onDelta'>,
  { signal, stall }: Watch,
): Promise<Result<string, VoxtralFailure>> {
  const parser = createSseParser({
    maxLineLength: MAX_ANSWER_BYTES,
    maxEventLength: MAX_ANSWER_BYTES,
  });
  const text = new StreamedText();
  for await (const chunk of readBytes(response, MAX_ANSWER_BYTES, signal)) {
    stall.begin();
    const parsed = chunk === null ? null : parser.push(chunk);
    if (!parsed?.ok) return fail({ kind: 'broken_answer', problem: 'too_large' });
    for (const { data } of parsed.value) {
      const step = readEvent(data);
      if (!step.ok) return step;
      if (step.value.kind === 'over') return finish(text);
      text.take(step.value);
      if (text.blanks > maxBlankDeltas) return fail({ kind: 'blank', speechSeconds: 0 });
      if (step.value.kind === 'delta') onDelta?.(step.value.text);
    }
  }
  return fail({ kind: 'broken_answer', problem: 'cut_off' });
}

function finish(text: StreamedText): Result<string, VoxtralFailure> {
  const whole = text.finish();
  if (whole === null) return fail({ kind: 'broken_answer', problem: 'cut_off' });
  return { ok: true, value: whole };
}

function toForm(
  { model, samples, language }: PieceRequest,
  wav: Uint8Array<ArrayBuffer>,
  stream: boolean,
) {
  const form = new FormData();
  form.set('model', model.repository);
  if (language !== null && VOXTRAL_LANGUAGES.includes(language)) form.set('language', language);
  form.set('response_format', 'json');
  form.set('temperature', '0');
  form.set('stream', String(stream));
  // A text that repeats itself for ever would fill the whole context.
  const seconds = samples.length / SAMPLE_RATE;
  if (!model.isRealtime) form.set('max_completion_tokens', String(mostTokens(seconds)));
  form.set('file', new Blob([wav], { type: 'audio/wav' }), 'piece.wav');
  return form;
}

/** Twice what the fastest speech takes in the languages that need most tokens. */
function mostTokens(seconds: number): number {
  return Math.ceil(seconds * 20) + 256;
}

interface StallWatch {
  readonly signal: AbortSignal;
  /** Waits from now on. */
  begin(): void;
  hasStalled(): boolean;
  dispose(): void;
}

function createStallWatch(stallMs: number, clock: Clock): StallWatch {
  const controller = new AbortController();
  let takeBack = () => {};
  return {
    signal: controller.signal,
    begin() {
      takeBack();
      takeBack = clock.after(stallMs, () => controller.abort());
    },
    hasStalled: () => controller.signal.aborted,
    dispose: () => takeBack(),
  };
}
