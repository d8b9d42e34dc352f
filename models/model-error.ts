/** What went wrong with a model's files, in words a program can switch on. */
export type ModelErrorCode =
  | 'bad-safetensors'
  | 'bad-manifest'
  | 'unknown-model'
  | 'not-installed'
  | 'not-found'
  | 'gated'
  | 'offline'
  | 'timeout'
  | 'cut-off'
  | 'server'
  | 'disk-full'
  | 'checksum'
  | 'busy'
  | 'cancelled';

/** An expected failure of pulling, storing or reading a model. The message is one line meant for a person. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModelError';
    this.code = code;
  }
}
