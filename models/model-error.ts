/** What went wrong with a model's files, in words a program can switch on. */
export type ModelErrorCode =
  | 'bad-safetensors'
  | 'bad-manifest'
  | 'bad-setting'
  | 'unknown-model'
  | 'not-installed'
  | 'not-found'
  | 'gated'
  /** The host could not be reached at all. */
  | 'offline'
  /** Nothing came for too long. */
  | 'timeout'
  /** The connection ended before the file did. */
  | 'cut-off'
  /** The host is overloaded or broken: 5xx, 408, 429. */
  | 'server'
  /** An answer that no repetition will make better. */
  | 'bad-answer'
  | 'disk-full'
  | 'checksum'
  | 'busy'
  | 'cancelled';

/** An expected failure of pulling, storing or reading a model. The message is one line meant for a person. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;
  /** How long a busy host asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ModelErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.name = 'ModelError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
