/** How busy the origin is, told with every answer: whoever spreads recordings over several origins reads it there. */
import type { MiddlewareHandler } from 'hono';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { LOAD_HEADER, type OriginLoad, writeOriginLoad } from '#shared/contracts/origin-load.ts';

type LoadSources = Pick<OriginDependencies, 'admission' | 'jobs'>;

/** As it is now. Reads counters only. */
export function readLoad({ admission, jobs }: LoadSources): OriginLoad {
  // A job that stands in the line has a place there and is one of those that wait.
  const waitingJobs = jobs === undefined ? 0 : jobs.waiting() - jobs.placesInLine();
  return {
    freeSlots: admission.freeSlots(),
    waiting: Math.max(0, admission.counts().waiting + waitingJobs),
  };
}

/** Sets the header, as things stand when the answer goes out. */
export function reportLoad(sources: LoadSources): MiddlewareHandler<OriginEnv> {
  return async function reportLoadOfOrigin(c, next) {
    await next();
    c.header(LOAD_HEADER, writeOriginLoad(readLoad(sources)));
  };
}
