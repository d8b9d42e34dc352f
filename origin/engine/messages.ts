import type { EngineCalls, LoadResult } from './protocol.ts';

/** What crosses the channel between the service and the engine's process; `serialization: 'advanced'`. */

export type EngineCallName = keyof EngineCalls;
export type RequestOf<Name extends EngineCallName> = Parameters<EngineCalls[Name]>[0];
export type ResultOf<Name extends EngineCallName> = Awaited<ReturnType<EngineCalls[Name]>>;

/** First message: what the engine is made from. */
export interface InitMessage {
  readonly kind: 'init';
  /** `file:` URL of a module that exports `createEngineCalls(settings)`. */
  readonly graphsModule: string;
  readonly settings: object;
}

export type CallMessage = {
  [Name in EngineCallName]: {
    readonly kind: 'call';
    readonly id: number;
    readonly name: Name;
    readonly request: RequestOf<Name>;
  };
}[EngineCallName];

export type ParentMessage = InitMessage | CallMessage;

export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'start_failed'; readonly message: string }
  /** A model's sessions are up, asked for by `load` or by the first call that needs them. */
  | { readonly kind: 'loaded'; readonly result: LoadResult }
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly value: unknown;
      readonly rssBytes: number;
    }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly message: string;
      /** The device has no memory left: what it still holds is only given back by ending the process. */
      readonly outOfMemory: boolean;
      readonly rssBytes: number;
    };

/** Implementation behind the calls, as a graphs module makes it. */
export type EngineImplementation = EngineCalls & { unload(): void };
