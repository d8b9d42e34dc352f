/**
 * A command line → its words, as a shell would part them: spaces part, quotes and backslashes keep together. Nothing
 * else of a shell is understood, since none is started. Null when a quote is left open.
 *
 * A backslash counts only before a quote, a space or another backslash, so that Windows paths stay as they are.
 */
export function splitCommand(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < text.length; i += 1) {
    const sign = text.charAt(i);
    const next = text.charAt(i + 1);
    if (sign === '\\' && quote !== "'" && ESCAPABLE.has(next)) {
      word = (word ?? '') + next;
      i += 1;
    } else if (quote !== null) {
      if (sign === quote) quote = null;
      else word = (word ?? '') + sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      word ??= '';
    } else if (/\s/.test(sign)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + sign;
    }
  }
  if (quote !== null) return null;
  if (word !== null) words.push(word);
  return words;
}

const ESCAPABLE: ReadonlySet<string> = new Set(['"', "'", ' ', '\\']);
