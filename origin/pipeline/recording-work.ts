import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import type { WorkContext } from '#origin/engine/work.ts';
import type { RecordingJob } from '#origin/pipeline/recording-job.ts';
import { type Segment, SharedWindows } from '#origin/pipeline/shared-windows.ts';

/** What the branches of one recording's work, text and speakers, have in common. */
export interface RecordingWork {
  readonly context: WorkContext;
  /** Speech activity of windows, each computed once. */
  readonly segment: Segment;
  /** The text is done up to here. */
  reached(seconds: number): void;
}

export interface WorkOptions {
  /** Ends all branches. */
  readonly signal: AbortSignal;
  /** See SharedWindows. */
  readonly isWantedTwice: (startSample: number) => boolean;
}

export function startWork(
  job: Pick<RecordingJob, 'requestId' | 'waveform' | 'scheduler'>,
  options: WorkOptions,
): RecordingWork {
  let doneSeconds = 0;
  const context: WorkContext = {
    owner: Symbol(job.requestId),
    requestId: job.requestId,
    signal: options.signal,
    remainingSeconds: () => job.waveform.sampleCount / SAMPLE_RATE - doneSeconds,
  };
  const windows = new SharedWindows(
    (spans) => job.scheduler.segment({ windows: spans }, context),
    options.isWantedTwice,
  );
  return {
    context,
    segment: (spans) => windows.segment(spans),
    reached: (seconds) => {
      doneSeconds = seconds;
    },
  };
}
