/** The clock: tokens and the edge's assertions live for seconds, so a wrong one refuses everybody. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import type { OriginConfig } from '#origin/config.ts';

/** What the check of the edge's assertions allows; that of tokens allows 30 s. */
const TOLERATED_SECONDS = 10;

const ACTION =
  'Turn on time synchronisation, e.g. sudo timedatectl set-ntp true; in WSL2: wsl --shutdown';

/** Compares with the services of authentication, if any are set; nobody else is asked. */
export async function checkClock(
  probes: Probes,
  { auth }: Pick<OriginConfig, 'auth'>,
): Promise<Finding> {
  const url = auth.manaAuthUrl ?? auth.manaCoreAuthUrl;
  const clocks = url === null ? null : await probes.compareClocks(url);
  if (clocks !== null) {
    const seconds = Math.round((clocks.ours - clocks.theirs) / 1000);
    const found = `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ${url}`;
    return Math.abs(seconds) > TOLERATED_SECONDS
      ? fault('clock', `the clock is ${found}: tokens and assertions will be refused`, ACTION)
      : ok('clock', `agrees with ${url}`);
  }
  return checkSynchronisation(probes);
}

async function checkSynchronisation(probes: Probes): Promise<Finding> {
  const args = ['show', '--property=NTPSynchronized', '--value'];
  const answer = (await probes.run('timedatectl', args))?.stdout.trim();
  if (answer === 'yes') return ok('clock', 'is synchronised');
  if (answer === 'no') return warning('clock', 'the clock is not synchronised', ACTION);
  return ok('clock', 'nothing here tells whether it is synchronised');
}
