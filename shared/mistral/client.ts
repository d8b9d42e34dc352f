/** One transcription by Mistral: the recording streams up, JSON or events come back, and out comes our transcript. */
import { type After, abortAfter, untilAborted } from '#shared/abort-after.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import type { MistralAnswer, MistralProgress } from '#shared/mistral/answer.ts';
import type { MistralModel } from '#shared/mistral/capabilities.ts';
import type { MistralFailure } from '#shared/mistral/failure.ts';
import {
  createMultipartBody,
  type FilePart,
  type MultipartBody,
} from '#shared/mistral/multipart-body.ts';
import { readAnswer } from '#shared/mistral/read-answer.ts';
import { readFailure } from '#shared/mistral/read-failure.ts';
import type { MistralRequest } from '#shared/mistral/request.ts';
import { toTranscript } from '#shared/mistral/to-transcript.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface MistralCall {
  readonly request: MistralRequest;
  readonly model: MistralModel;
  /** Read once, or cancelled: it is never left open. */
  readonly file: FilePart;
  /** Where somebody measured it. */
  readonly durationSeconds?: number;
}

export interface MistralOptions {
  readonly apiKey: string;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
  /** For upload and answer together. */
  readonly timeoutMs: number;
  /** Of the caller who waits. */
  readonly signal?: AbortSignal;
  /** Default `https://api.mistral.ai`. */
  readonly baseUrl?: string;
  readonly onProgress?: (progress: MistralProgress) => void;
  /** workerd sends a Content-Length for a `FixedLengthStream` only: gives the body such a form. */
  readonly fixLength?: (
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
  ) => ReadableStream<Uint8Array>;
  /** Told, for the log, what broke connection or upload. */
  readonly onFault?: (thrown: unknown) => void;
  readonly after?: After;
}

/** Every expected failure is a value; neither the key nor what Mistral wrote is in it. */
export async function transcribeWithMistral(
  call: MistralCall,
  options: MistralOptions,
): Promise<Result<AnyTranscript, MistralFailure>> {
  const startMs = options.now();
  const limit = abortAfter(options.timeoutMs, options.signal, options.after);
  const over = new AbortController();
  const form = createMultipartBody(call.request.fields, call.file, randomBoundary());
  let answer: Result<MistralAnswer, MistralFailure>;
  try {
    answer = await exchange(form, options, AbortSignal.any([limit.signal, over.signal]));
  } catch (thrown) {
    options.onFault?.(thrown);
    // What fetch and streams throw says the same thing in every runtime in other words: it broke. Why is known here.
    if (limit.hasExpired()) return fail({ kind: 'timeout', limitMs: options.timeoutMs });
    if (options.signal?.aborted === true) return fail({ kind: 'aborted' });
    return fail({ kind: form.fileFault() === null ? 'unreachable' : 'upload_failed' });
  } finally {
    limit.dispose();
    // An answer may come before the upload is done: nothing of it goes on behind our back.
    over.abort();
    form.abandon();
  }
  if (!answer.ok) return answer;
  return ok(toTranscript(answer.value, call, Math.max(0, options.now() - startMs)));
}

async function exchange(
  form: MultipartBody,
  options: MistralOptions,
  signal: AbortSignal,
): Promise<Result<MistralAnswer, MistralFailure>> {
  const { fetch, onProgress } = options;
  const url = `${options.baseUrl ?? 'https://api.mistral.ai'}/v1/audio/transcriptions`;
  const response = await untilAborted(fetch(url, toInit(form, options, signal)), signal);
  if (response.status !== 200) {
    const failure = await readFailure(response, signal, options.now());
    return fail(failure);
  }
  const answer = await readAnswer(response, { signal, ...(onProgress && { onProgress }) });
  return answer.ok ? answer : fail({ kind: 'broken_answer', problem: answer.error });
}

/** `duplex` is what fetch wants for a streamed body, and not in every runtime's types. */
function toInit(
  form: MultipartBody,
  { apiKey, fixLength }: MistralOptions,
  signal: AbortSignal,
): RequestInit & { duplex: 'half' } {
  const { contentLength } = form;
  const body =
    contentLength === null || fixLength === undefined
      ? form.body
      : fixLength(form.body, contentLength);
  return {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${apiKey}`,
      Accept: 'application/json, text/event-stream',
      'Content-Type': form.contentType,
      ...(contentLength !== null && { 'Content-Length': String(contentLength) }),
    },
    body,
    duplex: 'half',
    // A redirect would carry key and recording to another host.
    redirect: 'manual',
    signal,
  };
}

function randomBoundary(): string {
  return `mana-stt-${crypto.randomUUID()}`;
}
