/**
 * What vLLM answers with status 200: JSON, or events in one of two shapes. Source: vLLM's
 * entrypoints/openai/speech_to_text.py (chunks as of chat) and its PR 49119 (OpenAI's events).
 */
import { z } from 'zod';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import { joinTexts } from '#shared/format/scripts.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** The text of a whole JSON answer. An error may come with status 200, too. */
export function readJsonAnswer(body: string): Result<string, VoxtralFailure> {
  const json = parseRecord(body);
  if (json === null) return fail({ kind: 'broken_answer', problem: 'not_json' });
  if (isError(json)) return fail({ kind: 'error_in_answer' });
  const parsed = WholeAnswer.safeParse(json);
  if (!parsed.success) return fail({ kind: 'broken_answer', problem: 'wrong_shape' });
  return ok(parsed.data.text);
}

/** What one event adds. */
export type Step =
  | { readonly kind: 'delta'; readonly text: string; readonly isEnd: boolean }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'over' }
  | { readonly kind: 'nothing' };

export function readEvent(data: string): Result<Step, VoxtralFailure> {
  if (data.trim() === '[DONE]') return ok({ kind: 'over' });
  const json = parseRecord(data);
  if (json === null) return fail({ kind: 'broken_answer', problem: 'not_json' });
  if (isError(json)) return fail({ kind: 'error_in_answer' });
  if (json['choices'] !== undefined) return readChunk(json);
  switch (json['type']) {
    case 'transcript.text.delta':
      return readText(json['delta'], (text) => ({ kind: 'delta', text, isEnd: false }));
    case 'transcript.text.done':
      return readText(json['text'], (text) => ({ kind: 'text', text }));
    default:
      // Kinds of events that are not known yet.
      return ok({ kind: 'nothing' });
  }
}

/** Puts the steps of a stream together; holds the text only. */
export class StreamedText {
  /** One for each part into which vLLM itself has cut the audio; mostly one. */
  readonly #parts: string[] = [];
  #open = '';
  #whole: string | null = null;
  #blanks = 0;

  take(step: Step): void {
    if (step.kind === 'text') this.#whole = step.text;
    if (step.kind !== 'delta') return;
    this.#open += step.text;
    this.#blanks = step.text.trim() === '' ? this.#blanks + 1 : 0;
    if (!step.isEnd) return;
    this.#parts.push(this.#open);
    this.#open = '';
  }

  /** Deltas without a letter in a row, up to now. */
  get blanks(): number {
    return this.#blanks;
  }

  /** @returns null when the end of the text has not come. */
  finish(): string | null {
    if (this.#whole !== null) return this.#whole;
    if (this.#parts.length === 0 || this.#open !== '') return null;
    return joinTexts(this.#parts);
  }
}

const WholeAnswer = z.object({ text: z.string() });

const Chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .max(16),
});

function readChunk(json: object): Result<Step, VoxtralFailure> {
  const parsed = Chunk.safeParse(json);
  if (!parsed.success) return fail({ kind: 'broken_answer', problem: 'wrong_shape' });
  const [choice] = parsed.data.choices;
  // The last chunk may hold usage only.
  if (choice === undefined) return ok({ kind: 'nothing' });
  const reason = choice.finish_reason ?? null;
  // The end of the text did not fit.
  if (reason === 'length') return fail({ kind: 'out_of_context' });
  // Cut off on the server's side, by sleep for example.
  if (reason !== null && reason !== 'stop') return fail({ kind: 'error_in_answer' });
  return ok({ kind: 'delta', text: choice.delta?.content ?? '', isEnd: reason !== null });
}

function readText(value: unknown, toStep: (text: string) => Step): Result<Step, VoxtralFailure> {
  if (typeof value === 'string') return ok(toStep(value));
  return fail({ kind: 'broken_answer', problem: 'wrong_shape' });
}

function isError(json: Record<string, unknown>): boolean {
  const { error, object, type } = json as Record<'error' | 'object' | 'type', unknown>;
  return (error !== undefined && error !== null) || object === 'error' || type === 'error';
}

function parseRecord(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) ? json : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
