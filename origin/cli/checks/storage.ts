/** The folders that the service writes to, and the room there. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { gigabytes } from '#origin/cli/checks/runtime.ts';
import type { OriginConfig } from '#origin/config.ts';

export async function checkStorage(probes: Probes, config: OriginConfig): Promise<Finding[]> {
  const folders = [...new Set([config.dataDir, config.spoolDir])];
  const written = await Promise.all(folders.map((folder) => checkFolder(probes, folder)));
  return [...written, await checkSpace(probes, config), ...(await checkJobSpace(probes, config))];
}

async function checkFolder(probes: Probes, folder: string): Promise<Finding> {
  const code = await probes.tryToWrite(folder);
  if (code === null) return ok('storage', `${folder} can be written`);
  const action = 'Give the service the right to write there, or set DATA_DIR and TMP_DIR.';
  return fault('storage', `${folder} cannot be written (${code})`, action);
}

/** A second of a spooled waveform: 16,000 samples of 4 bytes. */
const WAVEFORM_BYTES_PER_SECOND = 64_000;

/** At worst all places hold the largest upload, and all that are worked on the longest waveform. */
async function checkSpace(probes: Probes, config: OriginConfig): Promise<Finding> {
  const free = await probes.freeDiskBytes(config.spoolDir);
  if (free === null) return ok('disk', `the room at ${config.spoolDir} could not be read`);
  const { maxConcurrentRequests: running, maxQueue, maxUploadBytes, maxAudioSeconds } = config;
  const uploads = (running + maxQueue) * maxUploadBytes;
  const worst = uploads + running * maxAudioSeconds * WAVEFORM_BYTES_PER_SECOND;
  const found = `${gigabytes(free)} free for uploads in work; at worst they take ${gigabytes(worst)}`;
  const action = 'Free some room, or set TMP_DIR to a larger disk.';
  if (free < maxUploadBytes) return fault('disk', found, action);
  return free < worst ? warning('disk', found, action) : ok('disk', found);
}

/** Jobs may take MAX_JOBS_MB; once the disk is full they are refused, and uploads with them. */
async function checkJobSpace(probes: Probes, config: OriginConfig): Promise<Finding[]> {
  const free = await probes.freeDiskBytes(config.dataDir);
  if (free === null || free >= config.maxJobsBytes) return [];
  const found = `${gigabytes(free)} free in DATA_DIR; jobs may take ${gigabytes(config.maxJobsBytes)}`;
  return [warning('disk', found, 'Lower MAX_JOBS_MB, or set DATA_DIR to a larger disk.')];
}
