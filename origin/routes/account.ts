/** What all routes do around the work on a recording: wait for a slot, and count what came of it. */
import type { Context } from 'hono';
import type { Place } from '#origin/admission/admission.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';

type OriginContext = Context<OriginEnv>;

/** @throws SttException client_gone */
export async function waitForSlot(
  c: OriginContext,
  deps: OriginDependencies,
  place: Place,
): Promise<void> {
  const startedMs = deps.now();
  await place.start(c.req.raw.signal);
  const queueMs = deps.now() - startedMs;
  c.get('trace')?.part('queue', startedMs, startedMs + queueMs);
  c.get('facts').queueMs = Math.round(queueMs);
  deps.metrics.observeQueueWait(queueMs / 1000);
  deps.metrics.setQueue(deps.admission.counts());
}

/** For the log, the metrics and the caller's limit per day. */
export function countTranscript(
  c: OriginContext,
  deps: OriginDependencies,
  { transcript, workMs }: { readonly transcript: AnyTranscript; readonly workMs: number },
): void {
  const { model, language, durationSeconds: audioSeconds } = transcript;
  Object.assign(c.get('facts'), { model, language, audioSeconds, workMs: Math.round(workMs) });
  deps.gate?.chargeAudio(c.get('principal').id, audioSeconds);
  const characters = transcript.text.length;
  const workSeconds = workMs / 1000;
  deps.metrics.countTranscription({ model, language, characters, audioSeconds, workSeconds });
}
