/** Asks another service, at the address it gave, to let go of a lease. */
import type { Lease } from '#origin/vram/lease.ts';

/** `asked`: it will, and says so by releasing. `busy`: it has work for it. `failed`: it was not reached. */
export type AskOutcome =
  | { readonly outcome: 'asked' | 'busy' }
  | { readonly outcome: 'failed'; readonly problem: string };

export type AskRelease = (lease: Lease, reason: 'room' | 'idle') => Promise<AskOutcome>;

/** Makes the asker. @param timeoutMs of one question */
export function askByHttp(fetchLike: typeof fetch, timeoutMs: number): AskRelease {
  return async function askRelease({ id, owner, model, device, releaseUrl }, reason) {
    if (releaseUrl === null) return { outcome: 'asked' };
    try {
      const response = await fetchLike(releaseUrl, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ lease_id: id, owner, model, device, reason }),
        // Whoever may name an address here must not reach another one by it.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (response.ok) return { outcome: 'asked' };
      if (response.status === 409) return { outcome: 'busy' };
      return { outcome: 'failed', problem: `status ${response.status}` };
    } catch (error) {
      return { outcome: 'failed', problem: error instanceof Error ? error.name : 'unknown' };
    }
  };
}

/**
 * Whether leases may name this address: plain HTTP or HTTPS on one of `hosts`, without a password. Otherwise a lease
 * could make this service call any machine of the network.
 */
export function isReleaseUrl(text: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isWeb = protocol === 'http:' || protocol === 'https:';
  return isWeb && username === '' && password === '' && hosts.includes(hostname);
}

/** Hosts that are this machine. */
export const LOCAL_HOSTS: readonly string[] = [
  '127.0.0.1',
  '[::1]',
  'localhost',
  'host.docker.internal',
];
