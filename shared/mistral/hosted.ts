/** Mistral as a backend, for edge and origin alike: a recording, streamed up → a transcript, or an error of the contract. */
import type { AnyTranscript, TranscribeOptions } from '#shared/contracts/transcript.ts';
import type { SttError } from '#shared/errors.ts';
import type { MistralModel } from '#shared/mistral/capabilities.ts';
import { type MistralOptions, transcribeWithMistral } from '#shared/mistral/client.ts';
import { breakerOutcomeOf, type MistralFailure, moveAfter } from '#shared/mistral/failure.ts';
import { type MistralRequest, toMistralRequest } from '#shared/mistral/request.ts';
import { toSttError } from '#shared/mistral/to-stt-error.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { MISTRAL_BACKEND } from '#shared/routing/backend-states.ts';
import type { BreakerOutcome } from '#shared/routing/circuit-breaker.ts';
import type { AttemptFailure } from '#shared/routing/try-in-order.ts';

export interface MistralSettings {
  /** A secret. */
  readonly apiKey: string;
  /** Null: Mistral's own. */
  readonly baseUrl: string | null;
  /** For upload and answer together. */
  readonly timeoutMs: number;
}

/** One recording for Mistral. */
export interface HostedWork {
  readonly options: TranscribeOptions;
  readonly model: MistralModel;
  /** The caller named the model. */
  readonly isModelNamed: boolean;
  readonly needsSegmentTimes: boolean;
  /** Stands in the answer where Mistral does not say what it heard; never sent. */
  readonly assumedLanguage: string | null;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Called once, when the recording is to be sent. What it throws is thrown on. */
  readonly openFile: () => Promise<HostedFile>;
}

export interface HostedFile {
  readonly stream: ReadableStream<Uint8Array>;
  /** As the client called it; only its ending goes along. */
  readonly fileName?: string | undefined;
  /** Of the form; empty where nobody said. */
  readonly mimeType: string;
  readonly sizeBytes: number;
}

/** `outcome` is what its circuit breaker is told. */
export interface MistralResult {
  readonly result: Result<AnyTranscript, AttemptFailure<SttError>>;
  readonly outcome: BreakerOutcome;
}

export interface HostedDependencies extends Pick<MistralOptions, 'fetch' | 'now' | 'fixLength'> {
  readonly log: (level: 'warn' | 'error', message: string, entry: LogEntry) => void;
}

type LogEntry = Readonly<Record<string, string | number | boolean | null>>;

/** Neither the key nor anything that Mistral wrote leaves it, but for the transcript. */
export async function transcribeHosted(
  work: HostedWork,
  settings: MistralSettings,
  deps: HostedDependencies,
): Promise<MistralResult> {
  const request = toRequest(work);
  if (request === null) return { result: fail(CANNOT_TRANSLATE), outcome: { kind: 'neutral' } };
  const { stream, fileName, mimeType, sizeBytes } = await work.openFile();
  const file = { stream, name: nameFile(fileName, mimeType), type: mimeType, sizeBytes };
  const answer = await transcribeWithMistral(
    { request, model: work.model, file },
    {
      apiKey: settings.apiKey,
      timeoutMs: settings.timeoutMs,
      fetch: deps.fetch,
      now: deps.now,
      signal: work.signal,
      onFault: (thrown) => tellFault(thrown, work, deps),
      ...(deps.fixLength !== undefined && { fixLength: deps.fixLength }),
      ...(settings.baseUrl !== null && { baseUrl: settings.baseUrl }),
    },
  );
  if (answer.ok) return { result: ok(answer.value), outcome: { kind: 'success' } };
  tellFailure(answer.error, work, deps);
  return { result: fail(toAttempt(answer.error, work)), outcome: breakerOutcomeOf(answer.error) };
}

/**
 * The answer is to come as events: what is in front of Mistral ends a connection that is silent for long, and a long
 * recording takes its time. Null for a translation, which routing does not send here.
 */
function toRequest(work: HostedWork): MistralRequest | null {
  const { options, model, needsSegmentTimes, assumedLanguage } = work;
  const made = toMistralRequest(options, model, { stream: true, needsSegmentTimes });
  if (!made.ok) return null;
  return { ...made.value, language: made.value.language ?? assumedLanguage };
}

/** Names of files tell of people and places, so only the ending goes along: Mistral may look at it. */
function nameFile(fileName: string | undefined, mimeType: string): string {
  const [, given] = /\.([A-Za-z0-9]{1,5})$/.exec(fileName ?? '') ?? [];
  const ending = given?.toLowerCase() ?? ENDINGS.get(mimeType);
  return ending === undefined ? 'recording' : `recording.${ending}`;
}

const ENDINGS: ReadonlyMap<string, string> = new Map([
  ['audio/mpeg', 'mp3'],
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/mp4', 'm4a'],
  ['audio/x-m4a', 'm4a'],
  ['audio/flac', 'flac'],
  ['audio/x-flac', 'flac'],
  ['audio/ogg', 'ogg'],
  ['audio/webm', 'webm'],
  ['video/webm', 'webm'],
  ['video/mp4', 'mp4'],
]);

function toAttempt(failure: MistralFailure, work: HostedWork): AttemptFailure<SttError> {
  const { model, isModelNamed } = work;
  const error = toSttError(failure, { backend: MISTRAL_BACKEND, model: model.id, isModelNamed });
  const retryAfterSeconds = 'retryAfterSeconds' in failure ? failure.retryAfterSeconds : null;
  return {
    error,
    move: moveAfter(failure),
    // The contract's own word: which of our faults it was stays inside.
    code: error.kind,
    ...(retryAfterSeconds !== null && { retryAfterSeconds }),
  };
}

const CANNOT_TRANSLATE: AttemptFailure<SttError> = {
  error: { kind: 'no_suitable_backend', explanation: `${MISTRAL_BACKEND} cannot translate.` },
  move: 'next',
  code: 'no_suitable_backend',
};

/** For the operator: a key that is refused is nothing that goes away by itself. */
function tellFailure(failure: MistralFailure, work: HostedWork, deps: HostedDependencies): void {
  const { kind: reason, ...evidence } = failure;
  // The client has left, which the request's own line says.
  if (reason === 'aborted') return;
  const level = reason === 'misconfigured' || reason === 'refused' ? 'error' : 'warn';
  const entry = { request_id: work.requestId, model: work.model.id, reason, ...evidence };
  deps.log(level, 'mistral failed', entry);
}

function tellFault(thrown: unknown, work: HostedWork, { log }: HostedDependencies): void {
  if (work.signal.aborted) return;
  const cause = String(thrown).slice(0, 200);
  log('warn', 'a connection to mistral broke', { request_id: work.requestId, cause });
}
