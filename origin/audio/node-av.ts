/** The decoder that npm brings along: FFmpeg's libraries in a child process, for machines without FFmpeg. */
import { fileURLToPath } from 'node:url';
import type { DecoderCommand } from '#origin/audio/decoder-command.ts';

/** The worker runs alone in its process, so that a crash or a hang in native code ends one decoding only. */
export function nodeAvCommand(): DecoderCommand {
  const worker = fileURLToPath(new URL('./node-av-worker.ts', import.meta.url));
  const flags = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=128'];
  return {
    name: 'node-av',
    file: process.execPath,
    args: (inputPath, channel) => [...flags, worker, inputPath, String(channel ?? 'mix')],
    probeArgs: (inputPath) => [...flags, worker, inputPath, 'probe'],
  };
}
