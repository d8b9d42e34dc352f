/**
 * The story of one recording: decode → find speech → choose the language → decode each chunk of speech → place its
 * words in time. Chunks come out in order, each as soon as it and all before it are done.
 */
import { pMapIterable } from 'p-map';
import { withLanguage } from '#origin/pipeline/chunk-languages.ts';
import type { ChunkResult, RecordingJob } from '#origin/pipeline/recording-job.ts';
import type { RecordingWork } from '#origin/pipeline/recording-work.ts';
import { transcribeChunk } from '#origin/pipeline/transcribe-chunk.ts';
import { detectSpeech } from '#origin/vad/detect-speech.ts';

/** Chunks of one recording that are worked on at a time: enough to fill batches, few enough to stay fair and small. */
const CHUNKS_IN_FLIGHT = 16;

export async function* transcribeRecording(
  job: RecordingJob,
  work: RecordingWork,
): AsyncGenerator<ChunkResult, void> {
  const { context } = work;
  const chunks = detectSpeech(
    job.waveform,
    (windows) => job.times.measure('vad', () => work.segment(windows)),
    { window: job.window },
  );
  const voted = withLanguage(chunks, job, context);
  const results = pMapIterable(voted, (chunk) => transcribeChunk(chunk, job, context), {
    concurrency: CHUNKS_IN_FLIGHT,
  });
  for await (const result of results) {
    work.reached(result.endSeconds);
    yield result;
  }
}
