/** What can transcribe a recording that is on this machine's disk: our Whisper, our Voxtral, a hosted one. */
import type { TranscribeProgress, TranscribeRequest } from '#origin/pipeline/transcriber.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import type { SttError } from '#shared/errors.ts';
import type { Result } from '#shared/result.ts';
import type { BackendState } from '#shared/routing/backends.ts';
import type { BreakerOutcome } from '#shared/routing/circuit-breaker.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';
import type { AttemptFailure } from '#shared/routing/try-in-order.ts';

/** A recording on disk, and what its form asks for. */
export interface RoutedWork {
  /** Absolute path of the upload. The caller owns and removes it, after the promise has settled. */
  readonly path: string;
  readonly fileName?: string;
  readonly form: RoutedForm;
  readonly requestId: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TranscribeProgress) => void;
  readonly onStage?: TranscribeRequest['onStage'];
  /**
   * Waits for a place among those that this machine works for, at most once; work of others needs none.
   * @throws SttException `client_gone`
   */
  readonly untilSlot: () => Promise<void>;
  /** As this request finds it. */
  readonly load: () => Load;
}

/** `outcome` is what the backend's circuit breaker is told. */
export interface Asked {
  readonly result: Result<AnyTranscript, AttemptFailure<SttError>>;
  readonly outcome: BreakerOutcome;
}

export interface Backend {
  readonly id: string;
  /** As routing sees it now, for a request; its breaker is looked at elsewhere. */
  look(work: RoutedWork): Promise<Omit<BackendState, 'id' | 'isCircuitOpen'>>;
  /**
   * Every expected failure is a value. It settles only when nobody reads the recording any more.
   * @param signal of the attempt
   */
  ask(work: RoutedWork, signal: AbortSignal): Promise<Asked>;
}

/** Recordings that this machine could begin at once, and those that wait. */
export interface Load {
  readonly freeSlots: number;
  readonly waiting: number;
}

/** The pipeline's words for a recording. */
export function toTranscribeRequest(work: RoutedWork, signal: AbortSignal): TranscribeRequest {
  const { path, fileName, form, requestId, onProgress, onStage } = work;
  return {
    ...{ path, options: form.options, requestId, signal },
    ...(fileName !== undefined && { fileName }),
    ...(onProgress !== undefined && { onProgress }),
    ...(onStage !== undefined && { onStage }),
  };
}
