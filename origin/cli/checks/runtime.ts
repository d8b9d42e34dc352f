/** Node, the processor and the memory. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';

/** The first release of line 22 that runs TypeScript without a flag. */
const LEAST_NODE = [22, 18] as const;

export function checkNode({ nodeVersion, platform, arch }: Probes): Finding {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const found = `Node ${nodeVersion} on ${platform} ${arch}`;
  const isNew = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isNew) return ok('node', found);
  const action =
    'Install Node 22.18 or later. On Linux `npm ci` brings it along; start with `npm run`, not with `node`.';
  return fault('node', `${found} cannot run TypeScript`, action);
}

/** onnxruntime's 8-bit matrix products have fast paths for these; the names are those of /proc/cpuinfo. */
const INT8_FEATURES = ['avx512_vnni', 'avx_vnni', 'avx2'] as const;

export function checkProcessor(probes: Probes): Finding {
  if (probes.platform !== 'linux' || probes.arch !== 'x64') {
    return ok(
      'processor',
      `${probes.arch}; its instruction sets are not looked up on ${probes.platform}`,
    );
  }
  const flags = /^flags\s*:(.*)$/m.exec(probes.readText('/proc/cpuinfo') ?? '')?.[1]?.split(/\s+/);
  if (flags === undefined) return ok('processor', 'x64; its instruction sets could not be read');
  const found = INT8_FEATURES.filter((name) => flags.includes(name));
  if (found.some((name) => name.includes('vnni'))) {
    return ok('processor', `x64 with ${found.join(', ')}: fast 8-bit arithmetic`);
  }
  if (found.length > 0) return ok('processor', `x64 with ${found.join(', ')}, without VNNI`);
  const action = 'Expect slow transcription; a newer processor or a GPU helps.';
  return warning('processor', 'x64 without AVX2', action);
}

export interface MemoryNeed {
  readonly model: string;
  /** Host memory of the engine with this model, in bytes, by estimate. */
  readonly bytes: number;
}

/** The server beside the engine: its own heap, decoders and uploads in work. */
const SERVER_BYTES = 400e6;

export function checkMemory(probes: Probes, need: MemoryNeed): Finding {
  const { totalBytes, availableBytes } = probes.memory();
  const wanted = need.bytes + SERVER_BYTES;
  const found = `${gigabytes(availableBytes)} of ${gigabytes(totalBytes)} available; ${need.model} needs about ${gigabytes(wanted)}`;
  if (availableBytes >= wanted) return ok('memory', found);
  return warning('memory', found, 'End other programs, or choose a smaller WHISPER_MODEL.');
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
