/**
 * Any audio or video file → 16 kHz mono floats in a spooled waveform, while it is being decoded. The bytes are looked
 * at first, then a child process decodes them: a hostile or broken file can end its decoder, never the server.
 */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ACCEPTED_FORMATS_HINT, DecodeFailure } from '#origin/audio/decode-failure.ts';
import type { DecoderCommand } from '#origin/audio/decoder-command.ts';
import { ffmpegCommand, findFfmpeg } from '#origin/audio/ffmpeg.ts';
import { flacSeconds } from '#origin/audio/flac-header.ts';
import { type InspectedUpload, judgeOutcome } from '#origin/audio/judge-outcome.ts';
import { nodeAvCommand } from '#origin/audio/node-av.ts';
import { type DecoderOutcome, runDecoder } from '#origin/audio/run-decoder.ts';
import { SNIFF_BYTES, sniffBytes } from '#origin/audio/sniff.ts';
import { isLengthUnknown, wavSeconds } from '#origin/audio/wav-header.ts';
import { SpooledWaveform, type WaveformWriter } from '#origin/audio/waveform.ts';

/** `auto`: the system's ffmpeg where it is installed, node-av otherwise. */
export type DecoderChoice = 'auto' | 'ffmpeg' | 'node-av';

export interface DecodeOptions {
  /** Where the waveform is written; the file must not exist yet. */
  readonly waveformPath: string;
  readonly signal?: AbortSignal;
  /** Longest recording; more is `too_long`. */
  readonly maxSeconds: number;
  /** Longest decoding; more is `timeout`. */
  readonly timeoutMs: number;
  readonly decoder?: DecoderChoice;
  /** One channel only, counted from 0. Absent: all of them mixed. */
  readonly channel?: number;
  /** Runs this instead of the decoder chosen: an ffmpeg outside PATH, for example. */
  readonly command?: DecoderCommand;
  /** Told how the process ended, for logs: `stderr` holds paths and must not reach a client. */
  readonly onOutcome?: (outcome: DecoderOutcome & { readonly decoder: string }) => void;
}

/**
 * Starts decoding and returns at once. Errors come from the waveform's `available`, as `DecodeFailure`s; the
 * caller disposes the waveform in any case.
 */
export function startDecoding(
  input: { readonly path: string },
  options: DecodeOptions,
): SpooledWaveform {
  return new SpooledWaveform(options.waveformPath, (write, stop) => {
    const signals = options.signal === undefined ? [stop] : [stop, options.signal];
    return decode(resolve(input.path), options, { write, cancelled: AbortSignal.any(signals) });
  });
}

/** The program that `choice` stands for on this machine. */
export async function chooseDecoder(choice: DecoderChoice): Promise<DecoderCommand> {
  if (choice === 'ffmpeg') return ffmpegCommand();
  if (choice === 'node-av') return nodeAvCommand();
  return (await findFfmpeg()) === null ? nodeAvCommand() : ffmpegCommand();
}

async function decode(
  inputPath: string,
  options: DecodeOptions,
  run: { readonly write: WaveformWriter; readonly cancelled: AbortSignal },
): Promise<{ readonly truncated: boolean }> {
  const upload = await inspectUpload(inputPath);
  const command = options.command ?? (await chooseDecoder(options.decoder ?? 'auto'));
  const { maxSeconds, timeoutMs } = options;
  const limits = { maxSeconds, timeoutMs, cancelled: run.cancelled };
  const args = command.args(inputPath, options.channel ?? null);
  const outcome = await runDecoder(command, args, { limits, write: run.write });
  options.onOutcome?.({ ...outcome, decoder: command.name });
  return judgeOutcome(outcome, upload, limits);
}

/** What the file looks like; refuses what no decoder should see. */
export async function inspectUpload(path: string): Promise<InspectedUpload> {
  const head = await readHead(path);
  if (head.length === 0) {
    throw new DecodeFailure('empty_file', `The file is empty (0 bytes). ${ACCEPTED_FORMATS_HINT}`);
  }
  const found = sniffBytes(head);
  if (found !== null && !found.decodable) {
    throw new DecodeFailure(
      'not_audio',
      `This looks like ${found.name}, not audio. ${ACCEPTED_FORMATS_HINT}`,
    );
  }
  const container = found?.name ?? null;
  const isWav = container === 'a WAV file';
  return {
    container,
    lengthUnknown: isWav && isLengthUnknown(head),
    announcedSeconds: isWav ? wavSeconds(head) : flacSeconds(head),
  };
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
