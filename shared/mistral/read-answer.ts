/** Reads an answer of Mistral that came with status 200, as JSON or as events, within bounds. */

import {
  MistralAnswer,
  MistralDone,
  MistralProgress,
  type MistralSegment,
} from '#shared/mistral/answer.ts';
import { readBytes, readText } from '#shared/mistral/bounded-body.ts';
import type { BrokenAnswer } from '#shared/mistral/failure.ts';
import { createSseParser, type SseEvent } from '#shared/mistral/sse.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Told of everything that comes before the last event. */
  readonly onProgress?: (progress: MistralProgress) => void;
  /** Most bytes of an answer; default 32 MB, many times what 3 hours of words take. */
  readonly maxBytes?: number;
}

/** Chosen by the answer's own media type, not by what was asked for. Rejects only when the connection breaks. */
export async function readAnswer(
  response: Response,
  { signal, onProgress, maxBytes = 32_000_000 }: ReadOptions,
): Promise<Result<MistralAnswer, BrokenAnswer>> {
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'text/event-stream') {
    return readEvents(response, { signal, maxBytes, ...(onProgress && { onProgress }) });
  }
  if (type !== 'application/json') return fail('wrong_type');
  const text = await readText(response, maxBytes, signal);
  return text === null ? fail('too_large') : parseWith(MistralAnswer, text);
}

async function readEvents(
  response: Response,
  { signal, onProgress, maxBytes }: ReadOptions & { readonly maxBytes: number },
): Promise<Result<MistralAnswer, BrokenAnswer>> {
  const parser = createSseParser({ maxLineLength: maxBytes, maxEventLength: maxBytes });
  const segments: MistralSegment[] = [];
  for await (const chunk of readBytes(response, maxBytes, signal)) {
    const parsed = chunk === null ? null : parser.push(chunk);
    if (parsed === null || !parsed.ok) return fail('too_large');
    for (const event of parsed.value) {
      if (event.data === '[DONE]') return fail('cut_off');
      const step = readEvent(event);
      if (!step.ok) return step;
      if (step.value === null) continue;
      if (step.value.type === 'transcription.done') return ok(withSegments(step.value, segments));
      if (step.value.type === 'transcription.segment') segments.push(step.value);
      onProgress?.(step.value);
    }
  }
  return fail('cut_off');
}

/** @returns null for an event of a kind that is not known yet. */
function readEvent({
  event,
  data,
}: SseEvent): Result<MistralProgress | MistralDone | null, BrokenAnswer> {
  const json = parseJson(data);
  if (!isRecord(json)) return fail('not_json');
  if (event === 'error' || json['error'] !== undefined || json['object'] === 'error') {
    return fail('error_event');
  }
  const type = json['type'] ?? event;
  const schema = type === 'transcription.done' ? MistralDone : MistralProgress;
  if (typeof type !== 'string' || !KNOWN_TYPES.includes(type)) return ok(null);
  const parsed = schema.safeParse({ ...json, type });
  return parsed.success ? ok(parsed.data) : fail('wrong_shape');
}

const KNOWN_TYPES: readonly string[] = [
  'transcription.language',
  'transcription.text.delta',
  'transcription.segment',
  'transcription.done',
];

/** The last event need not repeat what came before it. */
function withSegments(done: MistralDone, streamed: readonly MistralSegment[]): MistralAnswer {
  const hasOwn = done.segments !== null && done.segments !== undefined && done.segments.length > 0;
  return hasOwn || streamed.length === 0 ? done : { ...done, segments: [...streamed] };
}

function parseWith(
  schema: typeof MistralAnswer,
  text: string,
): Result<MistralAnswer, BrokenAnswer> {
  const json = parseJson(text);
  if (json === undefined) return fail('not_json');
  const parsed = schema.safeParse(json);
  return parsed.success ? ok(parsed.data) : fail('wrong_shape');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
