/** What every decoder must do, whichever program does it: read one local file, write f32le, 16 kHz, mono to stdout. */
export interface DecoderCommand {
  /** For logs and /health: "ffmpeg" or "node-av". */
  readonly name: string;
  /** The program; looked up in PATH when it has no slash. */
  readonly file: string;
  /** `inputPath` is absolute. `channel` counts from 0; null: all of them mixed. */
  readonly args: (inputPath: string, channel: number | null) => readonly string[];
  /** Makes the program write `channels:N` of the first frame to stderr and end. */
  readonly probeArgs: (inputPath: string) => readonly string[];
}

/**
 * FFmpeg's demuxers that hold audio themselves. Left out on purpose: everything that opens other files or
 * addresses (hls, dash, concat, sdp, rtsp, image2, imf …), and lists of text.
 */
export const ALLOWED_FORMATS = [
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,w64,aiff,au,caf',
  'flac,mp3,aac,ac3,eac3,amr,amrnb,amrwb,asf,avi,flv,mpegts,mpeg,wv',
].join(',');

/** A file may open nothing but itself; the demuxers' external references are off by default. */
export const ALLOWED_PROTOCOLS = 'file';

/**
 * Resampling and downmix, as FFmpeg filters. `rematrix_maxval=1` makes stereo → mono the average of the channels,
 * as reading to 16-bit does; FFmpeg's default for floats is 3 dB louder and can exceed 1.
 */
const RESAMPLER_OPTIONS = '16000:rematrix_maxval=1';
const OUTPUT_FORMAT = 'sample_rates=16000:sample_fmts=flt:channel_layouts=mono';

/** The filters from any frame to one channel of 16 kHz floats, in order, each with its arguments. */
export function outputFilters(channel: number | null): readonly (readonly [string, string])[] {
  const pick = channel === null ? [] : [['pan', `mono|c0=c${channel}`] as const];
  return [...pick, ['aresample', RESAMPLER_OPTIONS], ['aformat', OUTPUT_FORMAT]];
}

/** An address that FFmpeg takes literally, whatever characters the path has. */
export function toFileUrl(path: string): string {
  return `file:${path}`;
}
