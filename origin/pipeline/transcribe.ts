/**
 * The story of one recording: decode → find speech → choose the language → decode each chunk of speech → place its
 * words in time. Chunks come out in order, each as soon as it and all before it are done.
 */
import { pMapIterable } from 'p-map';
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import { withLanguage } from '#origin/pipeline/chunk-languages.ts';
import type { ChunkResult, RecordingJob } from '#origin/pipeline/recording-job.ts';
import { transcribeChunk } from '#origin/pipeline/transcribe-chunk.ts';
import { detectSpeech } from '#origin/vad/detect-speech.ts';

/** Chunks of one recording that are worked on at a time: enough to fill batches, few enough to stay fair and small. */
const CHUNKS_IN_FLIGHT = 16;

export async function* transcribeRecording(job: RecordingJob): AsyncGenerator<ChunkResult, void> {
  const progress = { doneSeconds: 0 };
  const context: WorkContext = {
    requestId: job.requestId,
    signal: job.signal,
    remainingSeconds: () => job.waveform.sampleCount / SAMPLE_RATE - progress.doneSeconds,
  };
  const chunks = detectSpeech(job.waveform, (windows) =>
    job.times.measure('vad', () => job.scheduler.segment({ windows }, context)),
  );
  const voted = withLanguage(chunks, job, context);
  const results = pMapIterable(voted, (chunk) => transcribeChunk(chunk, job, context), {
    concurrency: CHUNKS_IN_FLIGHT,
  });
  for await (const result of results) {
    progress.doneSeconds = result.endSeconds;
    yield result;
  }
}
