/** A vLLM that somebody else runs: it is only asked, never started, put to sleep or ended. */
import { type Clock, systemClock } from '#origin/engine/clock.ts';
import { createVllmControl, type VllmControl } from '#origin/voxtral/control.ts';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import type { VoxtralModel } from '#origin/voxtral/models.ts';
import type {
  ServerAddress,
  UseOptions,
  VoxtralServer,
  VoxtralStatus,
} from '#origin/voxtral/server.ts';
import { fail, type Result } from '#shared/result.ts';

export interface ExternalOptions extends ServerAddress {
  readonly model: VoxtralModel;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
}

export class ExternalVllm implements VoxtralServer {
  readonly model: VoxtralModel;
  readonly #address: ServerAddress;
  readonly #control: VllmControl;
  #isStopped = false;

  constructor({ model, baseUrl, apiKey, ...options }: ExternalOptions) {
    this.model = model;
    this.#address = { baseUrl, apiKey };
    this.#control = createVllmControl({
      baseUrl,
      apiKey,
      fetch: options.fetch ?? fetch,
      clock: options.clock ?? systemClock,
    });
  }

  async use<Value>(
    work: (address: ServerAddress) => Promise<Result<Value, VoxtralFailure>>,
    { signal }: UseOptions,
  ): Promise<Result<Value, VoxtralFailure>> {
    if (signal.aborted) return fail({ kind: 'aborted' });
    if (this.#isStopped)
      return fail({ kind: 'unavailable', state: 'stopped', retryAfterSeconds: 1 });
    return await work(this.#address);
  }

  status(): VoxtralStatus {
    const state = this.#isStopped ? 'stopped' : 'external';
    return { state, reason: null, progress: null, crashes: 0, pid: null };
  }

  isAvailable(): Promise<boolean> {
    return this.#isStopped ? Promise.resolve(false) : this.#control.isHealthy();
  }

  /** Its memory is its owner's business. */
  async release(): Promise<void> {}

  async kill(): Promise<void> {}

  async stop(): Promise<void> {
    this.#isStopped = true;
  }
}
