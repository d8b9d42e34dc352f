import type { EngineCalls } from '#origin/engine/protocol.ts';
import type { StageMetrics } from '#origin/metrics/metrics.ts';

/** The same engine; tells of every batch of chunks that goes to it. */
export function observeBatches(
  engine: EngineCalls,
  metrics: Pick<StageMetrics, 'observeBatch'>,
): EngineCalls {
  return {
    segment: (request) => engine.segment(request),
    encode: (request) => engine.encode(request),
    detectLanguage: (request) => engine.detectLanguage(request),
    decode: (request) => {
      metrics.observeBatch(request.items.length);
      return engine.decode(request);
    },
    embedSpeakers: (request) => engine.embedSpeakers(request),
    emissions: (request) => engine.emissions(request),
    load: (request) => engine.load(request),
  };
}
