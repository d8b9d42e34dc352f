/** Makes and measures audio files with the system's ffmpeg. */

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Length in seconds, by ffprobe. */
export async function audioSeconds(file: string): Promise<number> {
  const args = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file];
  const { stdout } = await run('ffprobe', args);
  const seconds = Number(stdout.trim());
  if (seconds > 0) return seconds;
  throw new Error(`ffprobe gives no length for ${file}: ${stdout.trim()}`);
}

/**
 * Writes a recording of the given length that repeats the sources one after another, as 48 kbit/s MP3: 3 h are 65 MB,
 * under the largest upload. The sources are encoded once and then copied, so this takes seconds.
 * @returns its path, inside the folder.
 */
export async function longRecording(
  folder: string,
  sources: readonly string[],
  seconds: number,
): Promise<string> {
  const [once, list] = [join(folder, 'once.mp3'), join(folder, 'repeat.txt')];
  const inputs = sources.flatMap((source) => ['-i', source]);
  const resampled = sources.map(
    (_, i) => `[${i}:a]aformat=sample_rates=16000:channel_layouts=mono[a${i}]`,
  );
  const joined = `${sources.map((_, i) => `[a${i}]`).join('')}concat=n=${sources.length}:v=0:a=1`;
  const filter = [...resampled, joined].join(';');
  const encode = ['-filter_complex', filter, '-c:a', 'libmp3lame', '-b:a', '48k', once];
  await run('ffmpeg', ['-v', 'error', '-y', ...inputs, ...encode]);
  const repeats = Math.ceil(seconds / (await audioSeconds(once)));
  await writeFile(list, `file '${once}'\n`.repeat(repeats));
  const out = join(folder, `long-${Math.round(seconds)}.mp3`);
  const copy = ['-f', 'concat', '-safe', '0', '-i', list, '-t', String(seconds), '-c', 'copy', out];
  await run('ffmpeg', ['-v', 'error', '-y', ...copy]);
  return out;
}
