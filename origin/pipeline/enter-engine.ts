/** How requests come to the engine: they hold its process, and where memory is leased, the leases of its models. */
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import { EngineFailure } from '#origin/engine/engine-failure.ts';
import type { EngineProcess } from '#origin/engine/engine-process.ts';
import type { EngineLeases, EngineUse } from '#origin/pipeline/engine-leases.ts';
import { SttException } from '#shared/errors.ts';

/** A request's place in the engine until it is disposed. */
export interface EnginePlace extends Disposable {
  readonly scheduler: EngineScheduler;
}

/**
 * @param models that the request cannot do without
 * @throws SttException as `EngineLeases.use`
 */
export type EnterEngine = (models: readonly string[], signal: AbortSignal) => Promise<EnginePlace>;

export interface EngineParts {
  readonly engine: Pick<EngineProcess, 'hold'>;
  readonly scheduler: EngineScheduler;
  /** Tells voices apart, where somebody wants that. */
  readonly speakerModel: string;
}

/** @param leases null: memory is not leased */
export function enterEngineWith(
  { engine, scheduler, speakerModel }: EngineParts,
  leases: Pick<EngineLeases, 'use'> | null,
): EnterEngine {
  return async (models, signal) => {
    const use = (await leases?.use(models, signal)) ?? null;
    const held = engine.hold();
    return {
      scheduler: use === null ? scheduler : leasing(scheduler, use, speakerModel),
      [Symbol.dispose]: () => {
        held[Symbol.dispose]();
        use?.[Symbol.dispose]();
      },
    };
  };
}

/** The same scheduler; a model that a call needs beyond those of the request is leased first. */
function leasing(scheduler: EngineScheduler, use: EngineUse, speaker: string): EngineScheduler {
  const lease = (model: string) => use.add(model).catch((error) => refuse(model, error));
  return {
    segment: (request, context) => scheduler.segment(request, context),
    capacity: (context) => scheduler.capacity(context),
    decode: async (request, context) => {
      await lease(request.model);
      return scheduler.decode(request, context);
    },
    detectLanguage: async (request, context) => {
      await lease(request.model);
      return scheduler.detectLanguage(request, context);
    },
    embedSpeakers: async (request, context) => {
      await lease(speaker);
      return scheduler.embedSpeakers(request, context);
    },
    emissions: async (request, context) => {
      await lease(request.model);
      return scheduler.emissions(request, context);
    },
  };
}

/** As if the engine itself had no memory: the stages know what to do without an extra. */
function refuse(model: string, cause: unknown): never {
  if (!(cause instanceof SttException)) throw cause;
  const isOver = cause.error.kind === 'client_gone' || cause.error.kind === 'shutting_down';
  if (isOver) throw new EngineFailure('cancelled', 'the request is over', { cause });
  const message = `no memory for the model ${model}: ${cause.message}`;
  throw new EngineFailure('out_of_memory', message, { cause, retryAfterSeconds: 10 });
}
