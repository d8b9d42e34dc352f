/** Secrets that lie in files, as Docker, Kubernetes and systemd hand them over: `API_KEYS_FILE` in place of `API_KEYS`. */

export interface ResolvedSecrets {
  /** The environment with the contents of the files as if they had been written there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Names of those variables. */
  readonly fromFiles: readonly string[];
  /** A line for each file that cannot be used; none repeats what a file says. */
  readonly faults: readonly string[];
}

/** @throws Error with a system's `code`, or one whose message says what is wrong with the file */
export type ReadSecretFile = (path: string) => string;

/**
 * Replaces `NAME_FILE` by `NAME` for each of `names`. Line breaks at the end of a file are dropped: editors add them.
 */
export function resolveSecretFiles(
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  readFile: ReadSecretFile,
): ResolvedSecrets {
  const resolved: Record<string, string | undefined> = { ...environment };
  const fromFiles: string[] = [];
  const faults: string[] = [];
  for (const name of names) {
    const variable = secretFileVariable(name);
    const path = (environment[variable] ?? '').trim();
    if (path === '') continue;
    if ((environment[name] ?? '').trim() !== '') {
      faults.push(`  ${variable}="${shown(path)}": ${name} is set too; take one of the two away`);
      continue;
    }
    try {
      resolved[name] = nonEmpty(readFile(path).replace(/[\r\n]+$/, ''));
      fromFiles.push(name);
    } catch (error) {
      faults.push(`  ${variable}="${shown(path)}": ${describe(error)}`);
    }
  }
  return { environment: resolved, fromFiles, faults };
}

/** The variable that names the file of a secret. */
export function secretFileVariable(name: string): string {
  return `${name}_FILE`;
}

function nonEmpty(text: string): string {
  if (text.trim() === '') throw new Error('the file is empty');
  return text;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be read';
  if (!('code' in error)) return error.message;
  return error.code === 'ENOENT' ? 'there is no such file' : `cannot be read (${error.code})`;
}

function shown(path: string): string {
  return path.slice(0, 200);
}
