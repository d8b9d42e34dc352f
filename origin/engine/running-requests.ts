/** Whose work the engine does at the moment, so that what it writes or suffers can be told to the request. */
import type { EngineLog } from './child-output.ts';
import type { Step } from './choose-step.ts';

/** A call to the engine that begins. */
export interface EngineCallStart {
  readonly kind: Step['kind'];
  /** Each once. A decode call serves several requests. */
  readonly requestIds: readonly string[];
}

/** Told when a call begins; what it returns is called when the call has ended. */
export type WatchCalls = (call: EngineCallStart) => () => void;

/** The engine runs one call at a time, so there is one set of requests, and none between two calls. */
export class RunningRequests {
  #ids: readonly string[] = [];

  readonly watch: WatchCalls = ({ requestIds }) => {
    this.#ids = requestIds;
    return () => {
      this.#ids = [];
    };
  };

  /** The same log; each line names the requests that are served as it is written, as `request_ids`. */
  naming(log: EngineLog): EngineLog {
    const named = (fields: object) =>
      this.#ids.length === 0 ? fields : { ...fields, request_ids: this.#ids };
    return {
      info: (fields, message) => log.info(named(fields), message),
      warn: (fields, message) => log.warn(named(fields), message),
      error: (fields, message) => log.error(named(fields), message),
    };
  }
}
