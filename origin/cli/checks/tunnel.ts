/** cloudflared, where an edge in front of this origin is configured. */
import { z } from 'zod';
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import type { OriginConfig } from '#origin/config.ts';

/**
 * Where cloudflared tells how it is: the first free one of these.
 * Source: https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/monitor-tunnels/metrics/
 */
const PORTS = [20241, 20242, 20243, 20244, 20245];

const Ready = z.object({ readyConnections: z.number() });

const START =
  'Start it: sudo systemctl start cloudflared (or mana-stt-tunnel); see docs/how-to/tunnel.md.';

/** Nothing to say without EDGE_ASSERTION_PUBLIC_KEYS: then no edge is expected. */
export async function checkTunnel(
  probes: Probes,
  { auth }: Pick<OriginConfig, 'auth'>,
): Promise<Finding[]> {
  if (auth.assertionPublicKeys.length === 0) return [];
  const answers = await Promise.all(
    PORTS.map((port) => probes.getJson(`http://127.0.0.1:${port}/ready`)),
  );
  const ready = answers.map((it) => Ready.safeParse(it)).find(({ success }) => success)?.data;
  if (ready !== undefined) return [judge(ready.readyConnections)];
  const version = await probes.run('cloudflared', ['--version']);
  return [
    version === null
      ? warning('tunnel', 'cloudflared is not installed on this machine', INSTALL)
      : warning('tunnel', 'cloudflared is installed, but does not run here', START),
  ];
}

const INSTALL = 'Install it, unless the tunnel ends on another machine; see docs/how-to/tunnel.md.';

function judge(connections: number): Finding {
  if (connections > 0) return ok('tunnel', `cloudflared has ${connections} connections`);
  const action =
    'Look at: journalctl -u cloudflared (or mana-stt-tunnel). Ports 7844 UDP and TCP must be open outwards.';
  return fault('tunnel', 'cloudflared runs, but is not connected to Cloudflare', action);
}
