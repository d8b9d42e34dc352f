/** What the edge asks of the origins, and what comes of it. */
import type { RepeatableBody } from '#edge-worker/upload/repeatable-body.ts';
import type { Principal } from '#shared/auth/principal.ts';
import type { SttError } from '#shared/errors.ts';
import type { Result } from '#shared/result.ts';
import type { OriginState } from '#shared/routing/choose-origin.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

/** One recording, to be transcribed by whichever origin takes it. */
export interface OriginWork {
  readonly body: RepeatableBody;
  /** By whom, there; absent: Whisper. Only origins that serve Voxtral are asked for it. */
  readonly route?: 'voxtral';
  /** The caller's; those that concern an origin are taken from it. */
  readonly headers: Headers;
  readonly requestId: string;
  readonly principal: Principal;
  /** Aborted when the caller is gone: the work is then taken back. */
  readonly signal: AbortSignal;
  /** How long to go on trying while no origin takes the recording, in milliseconds; 0 where another backend may. */
  readonly patienceMs: number;
  /** Keeps the Worker alive for what is left to do when the caller has its answer, or is gone. */
  readonly afterwards: (work: Promise<unknown>) => void;
}

/** An answer for the caller: a transcript, or what is wrong with the request whoever is asked (400, 413, 415, 422 …). */
export interface OriginAnswer {
  /** Read wholly: nothing of it is still on its way. */
  readonly response: Response;
  /** Every origin that was asked, `whisperx.NAME` or `voxtral.NAME`. */
  readonly tried: readonly Attempt[];
}

/** No origin took the recording, or the one that did is lost. */
export interface OriginFailure {
  readonly error: SttError;
  /** For the log. */
  readonly cause?: unknown;
  /** A busy origin's own answer, for a caller who has no other backend. */
  readonly response: Response | null;
  readonly tried: readonly Attempt[];
}

/** All origins as one backend. */
export interface Origins {
  transcribe(work: OriginWork): Promise<Result<OriginAnswer, OriginFailure>>;
  /** As last seen; asks those that nobody has looked at lately. Never fails. */
  look(requestId: string): Promise<readonly OriginState[]>;
}
