/** What a running origin traces: requests with their parts, and attempts at jobs. */
import { describe, expect, it } from 'vitest';
import { createOriginApp } from '#origin/app.ts';
import type { TraceOrigin, TraceOutcome, Tracing } from '#origin/tracing/tracing.ts';
import { startTestOrigin } from '#test/support/origin-server.ts';

interface Recorded {
  readonly name: string;
  readonly origin: TraceOrigin;
  readonly parts: string[];
  outcome: TraceOutcome | null;
}

function recordTraces(): { tracing: Tracing; traces: Recorded[] } {
  const traces: Recorded[] = [];
  const begin = (name: string, origin: TraceOrigin) => {
    const trace: Recorded = { name, origin, parts: [], outcome: null };
    traces.push(trace);
    return {
      traceId: 'f'.repeat(32),
      part: (part: string) => void trace.parts.push(part),
      end: (outcome: TraceOutcome) => {
        trace.outcome = outcome;
      },
    };
  };
  return { traces, tracing: { begin, close: async () => undefined } };
}

describe('a traced origin', () => {
  it('traces a request with upload, queue and stages, but no monitor', async () => {
    const origin = await startTestOrigin();
    const { traces, tracing } = recordTraces();
    const transcriber = {
      ...origin.dependencies.transcriber,
      models: () => origin.transcriber.models(),
      health: () => origin.transcriber.health(),
      transcribe: (request: Parameters<typeof origin.transcriber.transcribe>[0]) => {
        request.onStage?.('vad', 1, 2);
        return origin.transcriber.transcribe(request);
      },
    };
    const app = createOriginApp({ ...origin.dependencies, transcriber, tracing });
    try {
      const form = new FormData();
      form.append('file', new File(['RIFF'], 'a.wav'));
      const headers = { 'X-Request-Id': 'a-request', traceparent: '00-x' };
      const answer = await app.request('/transcribe', { method: 'POST', body: form, headers });
      expect(answer.status).toBe(200);
      await app.request('/health');
      await app.request('/nowhere');
    } finally {
      await origin.stop();
    }
    expect(traces).toMatchObject([
      {
        origin: { requestId: 'a-request', traceparent: '00-x' },
        parts: ['upload', 'queue', 'vad'],
        outcome: { name: 'POST /transcribe', isError: false, attributes: { model: 'base' } },
      },
      { outcome: { isError: false, attributes: { 'http.response.status_code': 404 } } },
    ]);
  });
});
