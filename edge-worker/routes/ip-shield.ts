import type { MiddlewareHandler } from 'hono';
import type { EdgeDependencies, EdgeEnv } from '#edge-worker/edge-env.ts';
import { SttException } from '#shared/errors.ts';

/**
 * Refuses an address that asks far too often, before its credential is looked at: a bound on guessing keys. The limiter
 * is per location and not exact, so it stands before the exact limits and does not replace them.
 */
export function shieldByAddress({
  ipShield,
}: Pick<EdgeDependencies, 'ipShield'>): MiddlewareHandler<EdgeEnv> {
  return async function shield(c, next) {
    const address = c.req.header('CF-Connecting-IP') ?? '';
    const { success } = await ipShield.limit({ key: groupOf(address) });
    if (!success) {
      c.get('facts').limited = 'address';
      throw new SttException({ kind: 'rate_limited', retryAfterSeconds: PERIOD_SECONDS });
    }
    await next();
  };
}

/** As wrangler.toml has it. */
const PERIOD_SECONDS = 60;

/** One household has 2⁶⁴ addresses of IPv6 and more: they count as one. */
function groupOf(address: string): string {
  return address.includes(':') ? expandStart(address) : address;
}

function expandStart(address: string): string {
  const [start = ''] = address.split('::');
  const groups = start === '' ? [] : start.split(':');
  return [...groups, '0', '0', '0', '0'].slice(0, 4).join(':');
}
