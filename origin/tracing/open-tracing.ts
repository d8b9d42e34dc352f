import type { Logger } from '#origin/logger.ts';
import type { Tracing } from '#origin/tracing/tracing.ts';

/** @param endpoint null: no traces, and undefined is returned */
export async function openTracing(
  endpoint: string | null,
  logger: Logger,
): Promise<Tracing | undefined> {
  if (endpoint === null) return undefined;
  const { openOtlp } = await import('#origin/tracing/otlp.ts');
  logger.info({ endpoint: new URL(endpoint).origin }, 'traces are sent');
  return openOtlp(endpoint);
}
