import { startDecoding } from '#origin/audio/decode-audio.ts';
import type { SpooledWaveform } from '#origin/audio/waveform.ts';
import type { OriginConfig } from '#origin/config.ts';
import type { Logger } from '#origin/logger.ts';
import type { StageTimes } from '#origin/pipeline/stage-times.ts';
import { makeSpoolDir, newSpoolPath } from '#origin/spool.ts';

/** Longest decoding of one upload: four hours of audio take seconds to minutes. */
export const DECODE_TIMEOUT_SECONDS = 600;

export interface DecodeTools {
  readonly config: Pick<OriginConfig, 'spoolDir' | 'maxAudioSeconds'>;
  readonly logger: Logger;
  readonly times: StageTimes;
}

export interface DecodeInput {
  /** Absolute path of the upload. */
  readonly path: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** One channel alone. */
  readonly channel?: number | undefined;
  /** Less than the service's own limit. */
  readonly maxSeconds?: number;
}

/** Starts decoding into the spool folder. The caller disposes the waveform. */
export async function decodeUpload(
  input: DecodeInput,
  { config, logger, times }: DecodeTools,
): Promise<SpooledWaveform> {
  const { path, requestId, signal, channel } = input;
  await makeSpoolDir(config.spoolDir);
  const started = performance.now();
  return startDecoding(
    { path },
    {
      waveformPath: newSpoolPath(config.spoolDir, 'waveform'),
      signal,
      maxSeconds: input.maxSeconds ?? config.maxAudioSeconds,
      timeoutMs: DECODE_TIMEOUT_SECONDS * 1000,
      ...(channel !== undefined && { channel }),
      onOutcome: ({ decoder, exitCode, stderr }) => {
        times.add('decode', performance.now() - started);
        if (exitCode !== 0) {
          const entry = { request_id: requestId, decoder, exitCode, stderr };
          logger.warn(entry, 'decoder failed');
        }
      },
    },
  );
}
