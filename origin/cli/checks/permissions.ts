/** Who else may read what the service keeps: recordings and transcripts of jobs. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import { octal } from '#origin/cli/checks/keys.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import type { OriginConfig } from '#origin/config.ts';

const OTHERS_WRITE = 0o022;
const OTHERS_LOOK = 0o007;

export function checkPermissions(
  probes: Probes,
  { dataDir }: Pick<OriginConfig, 'dataDir'>,
): Finding[] {
  const owner = probes.owner(dataDir);
  if (owner === null) return [];
  const { userId, permissions } = owner;
  const isForeign = probes.userId !== null && probes.userId !== 0 && userId !== probes.userId;
  if (isForeign) {
    const message = `${dataDir} belongs to user ${userId}, not to ${probes.userId} who runs this`;
    return [fault('permissions', message, `Run: sudo chown -R "$(id -un)" ${dataDir}`)];
  }
  const found = `${dataDir} has the permissions ${octal(permissions)}`;
  const action = `Run: chmod 700 ${dataDir}`;
  if ((permissions & OTHERS_WRITE) !== 0) {
    return [fault('permissions', `${found}: others may change what is kept there`, action)];
  }
  return (permissions & OTHERS_LOOK) === 0
    ? [ok('permissions', found)]
    : [warning('permissions', `${found}: every user of this machine may look inside`, action)];
}

/** Nothing here needs the rights of root. */
export function checkUser({ userId, exists }: Probes): Finding[] {
  // In a container root is the rule of the trade, and has less to give away.
  if (userId !== 0 || exists('/.dockerenv') || exists('/run/.containerenv')) return [];
  const action = 'Run the service as a user of its own; see docs/how-to/linux-server.md.';
  return [warning('user', 'this runs as root', action)];
}
