/** The environment variables. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { ConfigError, loadConfig, type OriginConfig } from '#origin/config.ts';
import { OriginEnvironment } from '#origin/config-schema.ts';
import { decideAccess, isLoopback } from '#shared/auth/access.ts';

export interface CheckedSettings {
  /** The defaults where the settings cannot be used, so that the other checks can still run. */
  readonly config: OriginConfig;
  readonly findings: readonly Finding[];
}

export function checkSettings({ environment }: Probes): CheckedSettings {
  try {
    const config = loadConfig(environment);
    const given = Object.keys(OriginEnvironment.shape).filter((name) => {
      return (environment[name] ?? '').trim() !== '';
    });
    const found = given.length === 0 ? 'all defaults' : `valid; set: ${given.join(', ')}`;
    return { config, findings: [ok('settings', found), ...checkReach(config)] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = error.message.replaceAll(/\n\s*/g, ' ');
    const action =
      'Correct them; docs/configuration.md explains each. What follows uses the defaults.';
    return { config: loadConfig({}), findings: [fault('settings', message, action)] };
  }
}

function checkReach({ host, auth }: OriginConfig): Finding[] {
  const decision = decideAccess(auth, host);
  if (!decision.ok) {
    const action = 'See docs/how-to/keys-and-access.md; the service does not start like this.';
    return [fault('settings', decision.error, action)];
  }
  if (decision.value.access !== 'open' || isLoopback(host)) return [];
  const message = `HOST=${host} with REQUIRE_AUTH=false opens the service to everyone in the network`;
  return [warning('settings', message, 'Allow only networks you trust, or set API_KEYS instead.')];
}
