/** Whether the service can listen. */
import { type Finding, fault, ok } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import type { OriginConfig } from '#origin/config.ts';
import { IndexResponse } from '#shared/contracts/service.ts';

export async function checkPort(
  probes: Probes,
  { host, port }: Pick<OriginConfig, 'host' | 'port'>,
): Promise<Finding> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const code = await probes.tryToListen(host, port);
  switch (code) {
    case null:
      return ok('port', port === 0 ? `a free port on ${host} will be taken` : `${address} is free`);
    case 'EADDRINUSE':
      return checkOwner(probes, address);
    case 'EACCES':
      return fault(
        'port',
        `${address} may not be used without more rights`,
        'Set PORT above 1023.',
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return fault('port', `HOST=${host} is no address of this machine`, 'Correct HOST.');
    default:
      return fault('port', `${address} cannot be listened on (${code})`, 'Correct HOST and PORT.');
  }
}

async function checkOwner(probes: Probes, address: string): Promise<Finding> {
  const reachable = address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1');
  const answer = IndexResponse.safeParse(await probes.getJson(`http://${reachable}/`));
  if (answer.success) return ok('port', `${address} is taken by mana-stt itself, which answers`);
  const action = 'Stop the other program, or set PORT.';
  return fault('port', `${address} is taken by another program`, action);
}
