/** How a decoder ended → success, success of a damaged file, or a failure in words for the caller. */
import {
  ACCEPTED_FORMATS_HINT,
  DecodeFailure,
  type DecodeFailureReason,
} from '#origin/audio/decode-failure.ts';
import type { DecoderLimits, DecoderOutcome, StopCause } from '#origin/audio/run-decoder.ts';
import { BYTES_PER_SAMPLE, SAMPLE_RATE } from '#origin/audio/waveform.ts';

/** What the first bytes of the file told. */
export interface InspectedUpload {
  /** What it looks like ("an MP3 file"), if known. */
  readonly container: string | null;
  /** The header does not say how long the audio is, so its end cannot come too early. */
  readonly lengthUnknown: boolean;
  /** Length that the header announces, where it tells one and the decoder may keep silent when less comes. */
  readonly announcedSeconds: number | null;
}

/**
 * A file that broke off after real audio is accepted as `truncated`: the caller wants the text of what there is,
 * with a warning.
 * @throws DecodeFailure
 */
export function judgeOutcome(
  outcome: DecoderOutcome,
  upload: InspectedUpload,
  limits: Pick<DecoderLimits, 'maxSeconds' | 'timeoutMs'>,
): { readonly truncated: boolean } {
  if (outcome.stopCause !== null) throw stoppedFailure(outcome.stopCause, limits);
  if (outcome.missing || MISSING.test(outcome.stderr)) throw decoderMissing();
  if (outcome.byteCount < BYTES_PER_SAMPLE) throw silentFailure(outcome.stderr, upload.container);
  if (outcome.exitCode === null) {
    throw new DecodeFailure(
      'undecodable',
      'The decoder stopped unexpectedly while reading this file. Convert it to wav or mp3 and send it again.',
    );
  }
  const brokeOff = !upload.lengthUnknown && TRUNCATED.test(outcome.stderr);
  const isShort = lacksSound(outcome.byteCount, upload.announcedSeconds);
  const truncated = outcome.exitCode !== 0 || brokeOff || isShort || isDamaged(outcome.stderr);
  return { truncated };
}

/** Also thrown where no decoder can be chosen. */
export function decoderMissing(): DecodeFailure {
  return new DecodeFailure(
    'decoder_missing',
    'This server has no working audio decoder. Its operator should install ffmpeg.',
  );
}

/** Words of FFmpeg 5 to 8 (and of our worker) for a file that ends before it should. */
const TRUNCATED = new RegExp(
  [
    'partial file',
    'ended prematurely',
    'Error during demuxing',
    'Input/output error',
    'filesize and duration do not match',
    'Truncating packet',
    'Packet corrupt',
  ].join('|'),
  'i',
);
/** A packet that could not be decoded, in the words of FFmpeg's versions. It is left out, and decoding goes on. */
const LOST_PACKET = /Error while decoding|Error submitting packet|decode_frame\(\) failed/gi;
/** Many whole files have one such packet: a tag between frames, a first frame without its start. */
const DAMAGED_FROM = 3;

function isDamaged(stderr: string): boolean {
  return (stderr.match(LOST_PACKET) ?? []).length >= DAMAGED_FROM;
}

function lacksSound(byteCount: number, announcedSeconds: number | null): boolean {
  const seconds = byteCount / BYTES_PER_SAMPLE / SAMPLE_RATE;
  return announcedSeconds !== null && announcedSeconds - seconds > UNHEARD_SECONDS;
}

/** Too short for a word; resampling costs a few milliseconds, and some writers round the length up. */
const UNHEARD_SECONDS = 0.2;

const MISSING = /Cannot find package 'node-av'|Could not load the node-av|ERR_MODULE_NOT_FOUND/i;
const NOT_ALLOWED = /not on whitelist/i;

const SILENT_CAUSES: readonly {
  readonly pattern: RegExp;
  readonly reason: DecodeFailureReason;
  readonly text: string;
}[] = [
  {
    pattern: /matches no streams|does not contain any stream/i,
    reason: 'no_audio_track',
    text: `has no audio track. ${ACCEPTED_FORMATS_HINT}`,
  },
  {
    pattern: /moov atom not found/i,
    reason: 'undecodable',
    text: 'is cut off: its index (the "moov" part) is missing. Send the complete file again.',
  },
  {
    pattern: /Decoder .*not found|Unknown decoder|no decoder found/i,
    reason: 'undecodable',
    text: `uses an audio codec that this server cannot decode. ${ACCEPTED_FORMATS_HINT}`,
  },
];

function stoppedFailure(
  cause: StopCause,
  limits: Pick<DecoderLimits, 'maxSeconds' | 'timeoutMs'>,
): DecodeFailure {
  switch (cause) {
    case 'cancelled':
      return new DecodeFailure('cancelled', 'The decoding was cancelled.');
    case 'timeout':
      return new DecodeFailure(
        'timeout',
        `Decoding took longer than ${limits.timeoutMs / 1000} s and was stopped. Send a shorter or simpler file.`,
      );
    case 'too_long':
      return new DecodeFailure(
        'too_long',
        `The recording is longer than the allowed ${limits.maxSeconds} s. Split it and send the parts.`,
      );
  }
}

/** Not one sample came out: the decoder's own words say why. */
function silentFailure(stderr: string, container: string | null): DecodeFailure {
  const looks = container === null ? 'This file' : `This looks like ${container}, but it`;
  for (const { pattern, reason, text } of SILENT_CAUSES) {
    if (pattern.test(stderr)) return new DecodeFailure(reason, `${looks} ${text}`);
  }
  if (container === null || NOT_ALLOWED.test(stderr)) {
    return new DecodeFailure(
      'not_audio',
      `This file is not a known audio or video format. ${ACCEPTED_FORMATS_HINT}`,
    );
  }
  return new DecodeFailure(
    'undecodable',
    `${looks} holds no sound that could be decoded; it may be damaged or cut off. Check that it plays, then send it again.`,
  );
}
