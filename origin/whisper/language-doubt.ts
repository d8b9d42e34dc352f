/**
 * Which answers of the language detection are easily wrong: languages the model hardly knows, which it names for
 * unclear speech and for music, and near relatives, which it mistakes for one another.
 */

/**
 * The model's languages stand in the order of their training data (openai/whisper, `tokenizer.py`). Of those after the
 * 35th (`la`, `mi`, `ml`, `cy` …) it has heard less than a hundred hours, most of it to be translated only.
 */
const WELL_KNOWN_LANGUAGES = 35;

/** Languages that are close enough to be confused in clear speech. A language may be in several groups. */
const RELATIVES: readonly (readonly string[])[] = [
  ['es', 'gl', 'ca', 'pt', 'oc'],
  ['es', 'it', 'la', 'ro'],
  ['fr', 'br', 'oc', 'ht'],
  ['no', 'nn', 'da', 'sv', 'fo', 'is'],
  ['de', 'lb', 'yi', 'nl', 'af'],
  ['hr', 'sr', 'bs', 'sl', 'mk'],
  ['bg', 'mk', 'ru', 'uk', 'be'],
  ['cs', 'sk', 'pl'],
  ['hi', 'ur', 'pa', 'ne', 'mr', 'gu', 'sd', 'sa'],
  ['bn', 'as'],
  ['ta', 'te', 'ml', 'kn'],
  ['id', 'ms', 'jw', 'su'],
  ['tr', 'az', 'tk', 'uz', 'kk', 'tt', 'ba'],
  ['fa', 'tg', 'ps'],
  ['fi', 'et'],
  ['lt', 'lv'],
  ['zh', 'yue'],
  ['th', 'lo'],
  ['mi', 'haw'],
];

/** Whether "it is `language`, not `other`" needs more evidence than usual. @param languages in the model's order */
export function isDoubtful(language: string, other: string, languages: readonly string[]): boolean {
  return languages.indexOf(language) >= WELL_KNOWN_LANGUAGES || areRelated(language, other);
}

/** Whether the two are easily mistaken for one another. */
export function areRelated(a: string, b: string): boolean {
  return RELATIVES.some((group) => group.includes(a) && group.includes(b));
}
