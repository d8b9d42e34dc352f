/** Hotwords in the form that `context_bias` wants. */
import type { BiasRules } from '#shared/mistral/capabilities.ts';

export interface BiasItems {
  readonly items: readonly string[];
  readonly warnings: readonly string[];
}

/** @param hotwords - separated by commas or line ends; each once, the first ones where there are too many. */
export function toBiasItems(hotwords: string, rules: BiasRules): BiasItems {
  const written = hotwords
    .split(/[,;\n\r]/)
    .map((phrase) => phrase.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim())
    .filter((phrase) => phrase !== '');
  const formed = written.map((it) => (rules.form === 'word' ? it.replaceAll(' ', '_') : it));
  const unique = [...new Set(formed)];
  const fitting = unique.filter((item) => item.length <= rules.maxItemLength);
  const items = fitting.slice(0, rules.maxItems);
  const left = unique.length - items.length;
  const problem = `${left} of ${unique.length} hotwords were left out: at most ${rules.maxItems} of up to ${rules.maxItemLength} characters are taken.`;
  return { items, warnings: left === 0 ? [] : [problem] };
}
