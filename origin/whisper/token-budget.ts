/**
 * How many tokens a chunk's text may have. A decoder caught in a loop stops here instead of at 448, which for short
 * chunks is many times too late. The rates are far above any speech, so that none is ever cut: very fast English
 * has 10 tokens a second, fast Japanese and Chinese about 16.
 *
 * @param promptLength tokens before the text; both together fit into `maxTokens`
 */
export function tokenBudget(
  language: string,
  audioSeconds: number,
  limits: { readonly promptLength: number; readonly maxTokens: number },
): number {
  const perSecond = BYTE_SPELLED_LANGUAGES.has(language)
    ? BYTE_SPELLED_TOKENS_PER_SECOND
    : TOKENS_PER_SECOND;
  const spoken = Math.ceil(SPARE_TOKENS + perSecond * audioSeconds);
  return Math.max(1, Math.min(spoken, limits.maxTokens - limits.promptLength));
}

const TOKENS_PER_SECOND = 25;

/** Three tokens a character at worst, and up to 15 characters a second. */
const BYTE_SPELLED_TOKENS_PER_SECOND = 50;

/** Room for a few words in a chunk of a fraction of a second. */
const SPARE_TOKENS = 16;

/** Languages whose letters Whisper's vocabulary spells mostly byte by byte (three bytes a letter in UTF-8). */
const BYTE_SPELLED_LANGUAGES: ReadonlySet<string> = new Set(
  'am as bn bo gu hi hy ka km kn lo ml mr my ne pa sa si ta te th yi'.split(' '),
);
