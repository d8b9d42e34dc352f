/** Why an upload gave no usable audio; each is the caller's to know and, mostly, to repair. */
export type DecodeFailureReason =
  | 'empty_file'
  | 'not_audio'
  | 'no_audio_track'
  | 'undecodable'
  | 'timeout'
  | 'too_long'
  | 'cancelled'
  | 'decoder_missing';

/**
 * Audio could not be decoded. `message` is written for the person who sent the file: what was found and what
 * to do, never a path or a decoder's own words, so it may be sent as it is.
 */
export class DecodeFailure extends Error {
  override readonly name = 'DecodeFailure';
  readonly reason: DecodeFailureReason;

  constructor(reason: DecodeFailureReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What to send instead; the end of most messages. */
export const ACCEPTED_FORMATS_HINT =
  'Send a recording as mp3, wav, m4a, aac, flac, ogg, webm, mp4 or mov.';
