import { resolve } from 'node:path';
import { chooseDecoder, type DecodeOptions, inspectUpload } from '#origin/audio/decode-audio.ts';
import { judgeOutcome } from '#origin/audio/judge-outcome.ts';
import { runDecoder } from '#origin/audio/run-decoder.ts';

export type CountOptions = Pick<DecodeOptions, 'signal' | 'decoder' | 'command' | 'timeoutMs'>;

/**
 * Channels of a recording's first frame.
 *
 * @throws DecodeFailure as decoding does
 */
export async function countChannels(path: string, options: CountOptions): Promise<number> {
  const inputPath = resolve(path);
  const upload = await inspectUpload(inputPath);
  const command = options.command ?? (await chooseDecoder(options.decoder ?? 'auto'));
  const cancelled = options.signal ?? new AbortController().signal;
  const limits = { maxSeconds: 1, timeoutMs: options.timeoutMs, cancelled };
  const args = command.probeArgs(inputPath);
  const outcome = await runDecoder(command, args, { limits, write: async () => undefined });
  const channels = Number(CHANNELS.exec(outcome.stderr)?.[1] ?? 0);
  if (channels > 0) return channels;
  judgeOutcome(outcome, upload, limits);
  return 1;
}

/** A line of ffmpeg's `ashowinfo`, or of our worker. */
const CHANNELS = /^(?:\[Parsed_ashowinfo[^\]\n]*\][^\n]*\s)?channels:(\d{1,4})\b/m;
