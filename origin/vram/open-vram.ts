/** The composition of the ledger: from settings to leases. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OriginConfig } from '#origin/config.ts';
import type { Clock } from '#origin/engine/clock.ts';
import type { Logger } from '#origin/logger.ts';
import { askByHttp, LOCAL_HOSTS } from '#origin/vram/ask-release.ts';
import type { ReadMemory } from '#origin/vram/device.ts';
import { gpuReader } from '#origin/vram/gpu-reading.ts';
import type { Lease } from '#origin/vram/lease.ts';
import { LeaseStore } from '#origin/vram/lease-store.ts';
import type { LedgerRules } from '#origin/vram/ledger.ts';
import { LocalLeases } from '#origin/vram/local-leases.ts';
import { ramReader } from '#origin/vram/ram-reading.ts';
import { VramManager } from '#origin/vram/vram-manager.ts';

export type VramConfig = Pick<
  OriginConfig,
  'dataDir' | 'gpuLedger' | 'gpuReserveMib' | 'nvidiaSmi' | 'gpuReleaseHosts'
>;

/** The ledger of this machine and its ways in. */
export interface Vram {
  readonly manager: VramManager;
  /** For this process's own models. */
  readonly local: LocalLeases;
  /** Hosts that leases may name to be asked to let go. */
  readonly releaseHosts: readonly string[];
}

export interface VramDependencies {
  readonly config: VramConfig;
  readonly logger: Logger;
  /** `now` is milliseconds since 1970. */
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** As of `VramTools`. */
  readonly onEviction?: (lease: Lease) => void;
}

/**
 * Opens the ledger of the data folder; nothing is read before somebody asks. Whoever opens it calls `manager.close`.
 * @throws Error in one line when the folder or the database cannot be used
 */
export async function openVram(deps: VramDependencies): Promise<Vram> {
  const { config, logger, clock, onEviction } = deps;
  await mkdir(config.dataDir, { recursive: true });
  const manager = new VramManager({
    ...{ clock, logger, onEviction },
    rules: { ...RULES, reserveMib: config.gpuReserveMib },
    timing: { idleReadMs: 30_000, verifyMs: 10_000, verifyEveryMs: 500, reviveMs: 30_000 },
    read: readerFor(config),
    store: new LeaseStore(join(config.dataDir, 'gpu-leases.sqlite')),
    askRelease: askByHttp(deps.fetch, ASK_TIMEOUT_MS),
    newId: () => randomBytes(16).toString('base64url'),
  });
  const local = new LocalLeases({ manager, clock, logger, unloadTimeoutMs: 20_000 });
  return { manager, local, releaseHosts: [...LOCAL_HOSTS, ...config.gpuReleaseHosts] };
}

/** How the ledger decides where nobody says otherwise. */
export const RULES: Omit<LedgerRules, 'reserveMib'> = {
  // nvidia-smi takes 20 to 200 ms; who waits is served within about a second of a change.
  maxAgeMs: 1000,
  graceMs: 30_000,
  spareMs: 30_000,
  // The largest models take minutes from a cold disk.
  loadWindowMs: 600_000,
  protectIdleMs: 60_000,
  maxOvertaken: 8,
  dueMs: 30_000,
  maxLeases: 1000,
  maxWaiting: 500,
};

const ASK_TIMEOUT_MS = 5000;
/** Where Windows puts it inside WSL2; not in PATH for every service. */
const WSL_NVIDIA_SMI = '/usr/lib/wsl/lib/nvidia-smi';

function readerFor({ gpuLedger, nvidiaSmi }: VramConfig): ReadMemory {
  if (gpuLedger === 'ram') return ramReader();
  const named = gpuReader({ command: nvidiaSmi });
  const gpu = nvidiaSmi === 'nvidia-smi' ? unlessMissing(named, wslReader()) : named;
  return gpuLedger === 'gpu' ? gpu : unlessMissing(gpu, ramReader());
}

function wslReader(): ReadMemory {
  return gpuReader({ command: WSL_NVIDIA_SMI });
}

/**
 * The first reading decides: without the program it is the second reader for good. What goes missing later is a
 * failure, since leases name devices of the first.
 */
export function unlessMissing(first: ReadMemory, second: ReadMemory): ReadMemory {
  let chosen: ReadMemory | null = null;
  return async (pids) => {
    if (chosen !== null) return chosen(pids);
    const found = await first(pids);
    const isMissing = !found.ok && found.error.problem === 'missing';
    if (isMissing) {
      const other = await second(pids);
      if (other.ok || other.error.problem !== 'missing') chosen = second;
      return other;
    }
    chosen = first;
    return found;
  };
}
