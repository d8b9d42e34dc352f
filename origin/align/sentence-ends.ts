/** Two neighbouring words, as far as the end of a sentence depends on them. */
export interface WordBoundary {
  readonly word: string;
  readonly next: string;
  /** Silence between them; 0 when not known. */
  readonly pauseSeconds: number;
}

/**
 * Whether a sentence ends between two words: at `.!?…` and their like in other scripts, unless the next word goes on
 * in lower case; not after abbreviations; after initials, ordinals ("3. Mai") and such that may also end a sentence
 * ("etc.") only where the speaker pauses and no number follows; and at a long silence without any mark.
 */
export function endsSentence({ word, next, pauseSeconds }: WordBoundary): boolean {
  if (pauseSeconds >= LONG_PAUSE_SECONDS) return true;
  const bare = word.replace(CLOSING, '');
  if (!TERMINAL.test(bare) || STARTS_LOWER_CASE.test(next)) return false;
  if (!bare.endsWith('.') || bare.endsWith('..')) return true;
  const stem = bare.replace(/\.$/, '').replace(OPENING, '').toLowerCase();
  if (ABBREVIATIONS.has(stem)) return false;
  const isUnclear = MAYBE_ABBREVIATIONS.has(stem) || INITIALS.test(stem) || ORDINAL.test(stem);
  if (!isUnclear) return true;
  return pauseSeconds >= CLEAR_PAUSE_SECONDS && !/^\d/.test(next);
}

/** A pause that separates sentences even where the model wrote no mark; pauses for breath are below 1 s. */
const LONG_PAUSE_SECONDS = 1.5;

/** Hardly anyone pauses this long between a title and a name. */
const CLEAR_PAUSE_SECONDS = 0.4;

/** Latin, CJK, Arabic, Urdu, Devanagari, Armenian, Ethiopic, Myanmar, Khmer, Tibetan. */
const TERMINAL = /[.!?…。！？｡．؟۔।॥։።၊။។།]$/u;
const CLOSING = /[\s"'”’»›)\]」』）】]+$/u;
const OPENING = /^["'“‘«‹([¿¡„-]+/u;
const STARTS_LOWER_CASE = /^[^\p{L}\p{N}]*\p{Ll}/u;

/** "j", "u.s", "z.b": single letters with full stops between them. */
const INITIALS = /^\p{L}(\.\p{L})*$/u;
const ORDINAL = /^\d{1,2}$/;

/** Something always follows these. None is a word of its own in another language. */
const ABBREVIATIONS: ReadonlySet<string> = new Set(
  (
    'mr mrs ms dr prof st mt capt lt sgt gov vs cf approx dept e.g i.e fig vol hr fr frl nr bzw ca vgl evtl ggf ' +
    'sog z.b d.h u.a z.t i.d.r v.a mme mlle mgr sr sra srta dra uds vd pág núm p.ej sigg dott avv dhr mevr'
  ).split(' '),
);

/** These may be the last word, or a word of its own. */
const MAYBE_ABBREVIATIONS: ReadonlySet<string> = new Set(
  (
    'etc usw usf jr inc co corp ltd no op ff al art rep gen col hon rev sen str bd geb av sig ing ' +
    'a.m p.m b.c a.d ph.d b.a m.a u.s u.k u.s.a e.u'
  ).split(' '),
);
