/** The types of single form fields: text in, checked value out. Faults say what was found and what is allowed. */
import { z } from 'zod';
import { findLanguage, WHISPER_LANGUAGES } from '#shared/contracts/languages.ts';

/** true/false/1/0/yes/no/on/off in any case. */
export const FormBoolean = z.string().transform((text, context) => {
  const value = BOOLEANS[text.toLowerCase()];
  if (value === undefined) {
    context.addIssue({
      code: 'custom',
      message: `${quote(text)} is not a truth value; write true or false.`,
      params: { type: 'bool_parsing' },
    });
    return z.NEVER;
  }
  return value;
});

/** A number within bounds, both included. */
export function formNumber(bounds: { min: number; max: number; integer?: boolean }) {
  const kind = bounds.integer === true ? 'a whole number' : 'a number';
  return z.string().transform((text, context) => {
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    const fits = value >= bounds.min && value <= bounds.max;
    if (!fits || (bounds.integer === true && !Number.isInteger(value))) {
      context.addIssue({
        code: 'custom',
        message: `${quote(text)} is not ${kind} from ${bounds.min} to ${bounds.max}.`,
        params: { type: bounds.integer === true ? 'int_parsing' : 'float_parsing' },
      });
      return z.NEVER;
    }
    return value;
  });
}

/** A language as code, locale or name → Whisper's code; `auto` → undefined, as if the field were absent. */
export const FormLanguage = z.string().transform((text, context) => {
  if (text.toLowerCase() === 'auto') {
    return undefined;
  }
  const code = findLanguage(text);
  if (code === null) {
    context.addIssue({ code: 'custom', message: unknownLanguage(text) });
    return z.NEVER;
  }
  return code;
});

/** Languages, each as above; values may hold several, separated by commas. Doubles are dropped. */
export const FormLanguages = z.array(z.string()).transform((texts, context) => {
  const written = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  const codes = new Set<string>();
  for (const text of written.filter((part) => part !== '')) {
    const code = findLanguage(text);
    if (code === null) {
      context.addIssue({ code: 'custom', message: unknownLanguage(text) });
      return z.NEVER;
    }
    codes.add(code);
  }
  return codes.size === 0 ? undefined : [...codes];
});

/** Free text up to a length in characters. */
export function formText(maxLength: number) {
  return z.string().max(maxLength, {
    error: (issue) =>
      `the text has ${String(issue.input).length} characters; at most ${maxLength} are allowed.`,
  });
}

/** A model's name. The prefix of our own answers (`whisperx-base`) is taken off again. */
export const FormModel = z.string().transform((text, context) => {
  const name = text.replace(/^whisperx-/, '');
  if (!MODEL_NAME.test(name)) {
    context.addIssue({
      code: 'custom',
      message: `${quote(text)} is not a model's name; GET /models lists them.`,
    });
    return z.NEVER;
  }
  return name;
});

/** Known speakers as JSON: at most 20, each with a name and the embedding that an earlier answer gave. */
export const FormKnownSpeakers = z.string().transform((text, context) => {
  const parsed = KnownSpeakers.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  context.addIssue({
    code: 'custom',
    message: `not a list of known speakers (${where === '' ? '' : `${where}: `}${issue?.message ?? ''}); write [{"name": "Ada", "embedding": [0.1, …]}].`,
  });
  return z.NEVER;
});

/** A speaker's name as it stands in answers: one line, no control characters, no markup of subtitles. */
const SpeakerName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}<>]+$/u, 'control characters and < > are not allowed');

const KnownSpeakers = z
  .array(
    z.object({
      name: SpeakerName,
      embedding: z.array(z.number().min(-1e3).max(1e3)).min(16).max(1024),
    }),
  )
  .min(1)
  .max(20)
  .refine(
    (list) => new Set(list.map(({ name }) => name)).size === list.length,
    'two have one name',
  );

/** Names of known speakers, one per field, to be joined with the samples that were sent. */
export const FormSpeakerNames = z.array(z.string()).transform((texts, context) => {
  const parsed = z.array(SpeakerName).max(MAX_SAMPLES).safeParse(texts);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const index = issue?.path[0];
  const which = typeof index === 'number' ? `${quote(texts[index] ?? '')}: ` : '';
  context.addIssue({
    code: 'custom',
    message: `not names of speakers (${which}${issue?.message}).`,
  });
  return z.NEVER;
});

/** Samples of known speakers in one request. */
export const MAX_SAMPLES = 10;

/** Some of a few words, in any case; values may hold several, separated by commas. Doubles are dropped. */
export function formChoices<const Choice extends string>(choices: readonly Choice[]) {
  const one = formChoice(choices);
  return z.array(z.string()).transform((texts, context) => {
    const found = new Set<Choice>();
    for (const text of texts.flatMap((it) => it.split(',')).map((it) => it.trim())) {
      if (text === '') continue;
      const parsed = one.safeParse(text);
      if (!parsed.success) {
        context.addIssue({ code: 'custom', message: parsed.error.issues[0]?.message ?? '' });
        return z.NEVER;
      }
      found.add(parsed.data);
    }
    return found.size === 0 ? undefined : [...found];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One of a few words, in any case. */
export function formChoice<const Choice extends string>(choices: readonly Choice[]) {
  return z.string().transform((text, context) => {
    const choice = choices.find((candidate) => candidate === text.toLowerCase());
    if (choice === undefined) {
      const allowed = [choices.slice(0, -1).join(', '), choices.at(-1)].join(' or ');
      context.addIssue({
        code: 'custom',
        message: `${quote(text)} is not possible; write ${allowed}.`,
      });
      return z.NEVER;
    }
    return choice;
  });
}

const BOOLEANS: Readonly<Record<string, boolean>> = Object.assign(Object.create(null), {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
});

const DECIMAL = /^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$/;
const MODEL_NAME = /^[\w][\w.-]{0,99}$/;

function unknownLanguage(text: string): string {
  return `${quote(text)} is not a language Whisper knows; use one of ${WHISPER_LANGUAGES.join(', ')}.`;
}

function quote(text: string): string {
  return `"${text.length <= 50 ? text : `${text.slice(0, 50)}…`}"`;
}
