/** The system's FFmpeg: any file → 16 kHz mono floats on stdout. The fastest decoder where it is installed. */
import { execFile } from 'node:child_process';
import {
  ALLOWED_FORMATS,
  ALLOWED_PROTOCOLS,
  type DecoderCommand,
  outputFilters,
  toFileUrl,
} from '#origin/audio/decoder-command.ts';

/** How to run `program` ("ffmpeg" in PATH by default) on one file. */
export function ffmpegCommand(program = 'ffmpeg'): DecoderCommand {
  return { name: 'ffmpeg', file: program, args: ffmpegArgs, probeArgs };
}

/** The version of the FFmpeg found, e.g. "5.1.9", or null where it cannot be run. Asked once per program. */
export function findFfmpeg(program = 'ffmpeg'): Promise<string | null> {
  const known = versions.get(program);
  if (known !== undefined) return known;
  const asked = askVersion(program);
  versions.set(program, asked);
  return asked;
}

const versions = new Map<string, Promise<string | null>>();

const VERSION_TIMEOUT_MS = 5000;

/** The largest single allocation FFmpeg may make: a hostile header can ask for more. */
const MAX_ALLOCATION_BYTES = 256 * 1024 * 1024;

function ffmpegArgs(inputPath: string, channel: number | null): readonly string[] {
  const filters = outputFilters(channel).map(([name, options]) => `${name}=${options}`);
  return [
    ...inputArgs(inputPath, 'warning'),
    ...['-af', filters.join(',')],
    ...['-c:a', 'pcm_f32le', '-f', 'f32le', 'pipe:1'],
  ];
}

/** `ashowinfo` describes each frame, its number of channels among the rest. */
function probeArgs(inputPath: string): readonly string[] {
  return [
    ...inputArgs(inputPath, 'info'),
    ...['-af', 'ashowinfo', '-frames:a', '1', '-f', 'null', '-'],
  ];
}

function inputArgs(inputPath: string, verbosity: string): readonly string[] {
  return [
    ...['-nostdin', '-hide_banner', '-v', verbosity, '-max_alloc', String(MAX_ALLOCATION_BYTES)],
    ...['-threads', '1', '-protocol_whitelist', ALLOWED_PROTOCOLS],
    ...['-format_whitelist', ALLOWED_FORMATS, '-i', toFileUrl(inputPath)],
    ...['-map', '0:a:0', '-vn', '-sn', '-dn', '-map_metadata', '-1'],
  ];
}

function askVersion(program: string): Promise<string | null> {
  const options = { timeout: VERSION_TIMEOUT_MS, windowsHide: true };
  return new Promise((resolve) => {
    execFile(program, ['-version'], options, (error, stdout) => {
      const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1];
      resolve(error === null ? (version ?? 'unknown') : null);
    });
  });
}
