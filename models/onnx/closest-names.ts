/** The names that share most dotted parts with the one asked for, best first; for error messages. */
export function closestNames(wanted: string, names: Iterable<string>, most = 3): string[] {
  const parts = new Set(wanted.split('.'));
  return [...names]
    .map((name) => ({ name, shared: name.split('.').filter((part) => parts.has(part)).length }))
    .filter(({ shared }) => shared > 0)
    .sort((a, b) => b.shared - a.shared || a.name.localeCompare(b.name))
    .slice(0, most)
    .map(({ name }) => name);
}
