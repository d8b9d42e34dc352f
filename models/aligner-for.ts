/** Which installed model aligns a language. */
import type { BuiltManifest } from '#models/manifest.ts';

/** Stands for any language in a manifest's list. */
export const ANY_LANGUAGE = '*';

type Installed = Pick<BuiltManifest, 'name' | 'architecture' | 'languages'>;

/** Codes by which models of the same spelling go: Whisper's, and others that callers may use. */
const SAME_LANGUAGE: Readonly<Record<string, string>> = {
  nb: 'no',
  iw: 'he',
  in: 'id',
  fil: 'tl',
  jw: 'jv',
};

/**
 * The aligner to use for a language: the one made for the fewest languages, and one for any language only where no other
 * is there. Of equals the first by name.
 * @param language Whisper's code, e.g. "de"
 * @param installed manifests of built models of every kind, as `listInstalled` finds them
 */
export function alignerFor<T extends Installed>(
  language: string,
  installed: readonly T[],
): T | undefined {
  const wanted = canonical(language);
  const usable = installed.filter(({ architecture, languages }) => {
    const codes = languages.map(canonical);
    return architecture === 'wav2vec2' && (codes.includes(wanted) || codes.includes(ANY_LANGUAGE));
  });
  return usable.sort((a, b) => breadth(a) - breadth(b) || compare(a.name, b.name))[0];
}

function breadth({ languages }: Installed): number {
  return languages.includes(ANY_LANGUAGE) ? Number.POSITIVE_INFINITY : languages.length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function canonical(code: string): string {
  const lower = code.toLowerCase();
  return SAME_LANGUAGE[lower] ?? lower;
}
