import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import type { VoxtralServer } from '#origin/voxtral/server.ts';
import type { VoxtralSettings } from '#origin/voxtral/voxtral-settings.ts';
import type { TranscribeOptions, Transcript } from '#shared/contracts/transcript.ts';
import type { Result } from '#shared/result.ts';

/** A recording on disk and what to do with it. */
export interface TranscribeRequest {
  /** Absolute path of the spooled upload. The caller owns and removes it, after the promise has settled. */
  readonly path: string;
  /** As the client sent it; a hint for messages only, never a path. */
  readonly fileName?: string;
  readonly options: TranscribeOptions;
  /** Names the request in logs. */
  readonly requestId: string;
  /** Aborted when the client has gone: the pipeline frees the request's chunks and rejects. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TranscribeProgress) => void;
  /** A stage has ended; one of a chunk may run beside those of others. Times of `performance.now()`. */
  readonly onStage?: (stage: string, startMs: number, endMs: number) => void;
}

/** How far a request has come, in seconds of its audio. */
export interface TranscribeProgress {
  readonly doneSeconds: number;
  readonly totalSeconds: number;
}

/** What can be asked for. */
export interface TranscriberModels {
  /** Models that are on this machine, by name, e.g. `base`. */
  readonly whisper: string[];
  readonly defaultWhisper: string;
  /** Installed aligner by language code; `*` is any language. */
  readonly aligners: Readonly<Record<string, string>>;
  /** Those in memory now. */
  readonly loaded: string[];
}

/** The engine process as a caller may see it. `idle` is healthy: it starts with the next request. */
export interface TranscriberHealth {
  readonly whisperLoaded: boolean;
  readonly engine: 'idle' | 'starting' | 'ready' | 'restarting' | 'failed';
  /** `cpu` or `cuda`; null as long as no model has been loaded. */
  readonly device: string | null;
  /** Resident memory of its process after the last call, in bytes; null without a process. */
  readonly engineRssBytes?: number | null;
}

/** The pipeline without HTTP. Implementations throw `SttException` for every expected failure. */
export interface Transcriber {
  transcribe(request: TranscribeRequest): Promise<Transcript>;
  models(): TranscriberModels;
  health(): TranscriberHealth;
  /** Ends the engine. Requests still running, and later ones, are rejected with `shutting_down`. */
  close(): Promise<void>;
}

/** A vLLM and how it is used. */
export interface VoxtralAccess {
  readonly server: VoxtralServer;
  readonly settings: Pick<VoxtralSettings, 'timeoutMs' | 'maxPieceSeconds' | 'concurrency'>;
}

/** The way of a recording to a Voxtral that vLLM serves. */
export interface VoxtralTranscriber {
  /**
   * What vLLM failed of is a value, so that another backend gets the recording.
   * @throws SttException for every other expected failure
   */
  transcribeVoxtral(
    request: TranscribeRequest,
    voxtral: VoxtralAccess,
  ): Promise<Result<Transcript, VoxtralFailure>>;
}
