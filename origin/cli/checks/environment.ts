/** What is around the settings: names that nobody reads, files that nobody loads, limits of the system. */
import { type Finding, ok, warning } from '#origin/cli/checks/finding.ts';
import { isWsl } from '#origin/cli/checks/gpu-driver.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { secretFileVariable } from '#shared/secret-files.ts';

export function checkEnvironment(probes: Probes, folder: string): Finding[] {
  const findings = [
    ...checkNames(probes),
    ...checkEnvFile(probes, folder),
    ...checkOpenFiles(probes),
    ...checkWindowsDisk(probes, folder),
  ];
  return findings.length > 0 ? findings : [ok('environment', 'nothing in the way')];
}

/** Variables that read like a slip of the pen. */
function checkNames({ environment }: Probes): Finding[] {
  const known = [
    ...Object.keys(OriginEnvironment.shape),
    ...SECRET_VARIABLES.map(secretFileVariable),
  ];
  return Object.keys(environment)
    .filter((name) => !known.includes(name) && name.length >= LEAST_NAME)
    .flatMap((name) => {
      const meant = known.find((it) => it.length >= LEAST_NAME && isSlip(name, it));
      if (meant === undefined) return [];
      const message = `${name} is set, but no setting has that name`;
      return [warning('environment', message, `Write ${meant}, if that was meant.`)];
    });
}

/** In shorter names two letters make other words. */
const LEAST_NAME = 6;

/** Two letters changed, added or left out; or the same words in another order. */
function isSlip(name: string, known: string): boolean {
  const words = (text: string) => text.split('_').toSorted().join('_');
  return words(name) === words(known) || editDistance(name, known) <= 2;
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? Number.POSITIVE_INFINITY;
}

function checkEnvFile({ exists }: Probes, folder: string): Finding[] {
  if (!exists(`${folder}/.env`)) return [];
  const action = 'Start with: node --env-file=.env origin/main.ts, or let systemd read it.';
  return [warning('environment', 'there is a file .env, which the service does not read', action)];
}

/** Each connection, spool file and pipe of a decoder is one. */
const LEAST_OPEN_FILES = 1024;

function checkOpenFiles({ readText }: Probes): Finding[] {
  const limits = readText('/proc/self/limits') ?? '';
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  if (!(limit < LEAST_OPEN_FILES)) return [];
  const message = `only ${limit} files may be open at a time`;
  return [warning('environment', message, 'Raise it: ulimit -n 4096, or LimitNOFILE= in systemd.')];
}

function checkWindowsDisk(probes: Probes, folder: string): Finding[] {
  if (!isWsl(probes) || !/^\/mnt\/[a-z](\/|$)/.test(folder)) return [];
  const message = `${folder} lies on a Windows disk, which is slow from WSL2`;
  return [warning('environment', message, 'Move the repository into the Linux home, ~/mana-stt.')];
}
