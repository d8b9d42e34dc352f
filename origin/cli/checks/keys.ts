/** Keys that are too easy, that everybody knows, or that others on this machine can read. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import type { OriginConfig } from '#origin/config.ts';
import { SECRET_VARIABLES } from '#origin/config-schema.ts';
import { hasCredentials, isLoopback } from '#shared/auth/access.ts';
import { secretFileVariable } from '#shared/secret-files.ts';

/** Of hexadecimal digits, 20 hold 80 bits. */
const LEAST_CHARACTERS = 20;
/** Those of local.example.env. */
const EXAMPLES: readonly string[] = ['sk-dev', 'sk-internal-dev'];

const NEW_KEY = 'Make a new one with: openssl rand -hex 24';

export async function checkKeys(
  probes: Probes,
  config: Pick<OriginConfig, 'auth' | 'host'>,
): Promise<Finding[]> {
  const findings = [
    ...checkStrength(config),
    ...checkFiles(probes),
    ...checkForeignKey(config),
    ...(await checkTokenKeys(probes, config)),
  ];
  return findings.length > 0 ? findings : [ok('keys', describe(config))];
}

function checkStrength({ auth, host }: Pick<OriginConfig, 'auth' | 'host'>): Finding[] {
  const keys = auth.apiKeys.map(({ key, name }) => ({ key, whose: `the key of ${name}` }));
  if (auth.internalApiKey !== null) {
    keys.push({ key: auth.internalApiKey, whose: 'INTERNAL_API_KEY' });
  }
  return keys.flatMap(({ key, whose }) => {
    if (EXAMPLES.includes(key)) {
      const judge = isLoopback(host) ? warning : fault;
      return [judge('keys', `${whose} is the example of this repository`, NEW_KEY)];
    }
    const isWeak = key.length < LEAST_CHARACTERS || new Set(key).size < 8;
    return isWeak ? [warning('keys', `${whose} is easy to guess`, NEW_KEY)] : [];
  });
}

/** The group may read: it may be the service's own, and root the owner. */
const OTHERS = 0o027;

function checkFiles(probes: Probes): Finding[] {
  return SECRET_VARIABLES.map(secretFileVariable).flatMap((variable) => {
    const path = probes.environment[variable]?.trim() ?? '';
    const owner = path === '' ? null : probes.owner(path);
    if (owner === null || (owner.permissions & OTHERS) === 0) return [];
    const message = `${variable} names a file that others may read or change (${octal(owner.permissions)})`;
    return [warning('keys', message, `Run: chmod 640 ${path}`)];
  });
}

/** It signs who calls: here it would let whoever breaks in speak for every caller. */
function checkForeignKey({ auth }: Pick<OriginConfig, 'auth'>): Finding[] {
  if (auth.assertionPrivateKey === null) return [];
  const action = 'Take it away here; only the Worker needs it. The origin has the public half.';
  return [warning('keys', "EDGE_ASSERTION_PRIVATE_KEY is the edge's, not the origin's", action)];
}

async function checkTokenKeys(
  probes: Probes,
  { auth }: Pick<OriginConfig, 'auth'>,
): Promise<Finding[]> {
  if (auth.manaAuthUrl === null) return [];
  const answer = await probes.getJson(`${auth.manaAuthUrl}/api/auth/jwks`);
  const isKeySet = typeof answer === 'object' && answer !== null && 'keys' in answer;
  if (isKeySet) return [];
  const message = `${auth.manaAuthUrl} gives no keys to check tokens with`;
  return [fault('keys', message, 'Correct MANA_AUTH_URL, or let this machine reach it.')];
}

function describe({ auth }: Pick<OriginConfig, 'auth'>): string {
  if (!hasCredentials(auth))
    return 'none is configured; docs/how-to/keys-and-access.md says who gets in then';
  const apps = `${auth.apiKeys.length} keys of apps`;
  return auth.internalApiKey === null ? apps : `${apps} and an internal one`;
}

export function octal(permissions: number): string {
  return permissions.toString(8).padStart(3, '0');
}
