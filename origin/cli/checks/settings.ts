/** The environment variables. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { ConfigError, loadConfig, type OriginConfig } from '#origin/config.ts';
import { OriginEnvironment } from '#origin/config-schema.ts';

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

const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/;

function checkReach({ host }: OriginConfig): Finding[] {
  if (LOOPBACK.test(host)) return [];
  const action =
    'There is no authentication yet: allow only networks you trust, or leave HOST at 127.0.0.1.';
  return [warning('settings', `HOST=${host} opens the service to the network`, action)];
}
