import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findLanguage, WHISPER_LANGUAGES } from '#shared/contracts/languages.ts';
import { parseTranscribeForm } from '#shared/contracts/transcribe-form.ts';

function parse(...fields: [name: string, value: string][]) {
  return parseTranscribeForm(fields.map(([name, value]) => ({ name, value })));
}

function options(...fields: [name: string, value: string][]) {
  const parsed = parse(...fields);
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.error));
  }
  return parsed.value;
}

function faults(...fields: [name: string, value: string][]) {
  const parsed = parse(...fields);
  return parsed.ok ? [] : parsed.error;
}

const DEFAULTS = { align: true, diarize: false, task: 'transcribe' };

describe('parseTranscribeForm', () => {
  it('gives the defaults for a form without text fields', () => {
    expect(options()).toEqual(DEFAULTS);
  });

  it('counts empty fields and fields of spaces as absent', () => {
    expect(options(['language', ''], ['model', '  '], ['align', ''], ['languages', ''])).toEqual(
      DEFAULTS,
    );
  });

  it('ignores fields it does not know', () => {
    expect(options(['use_realtime', 'maybe'], ['__proto__', 'x'])).toEqual(DEFAULTS);
  });

  it.each([
    ['true', true],
    ['YES', true],
    ['On', true],
    ['1', true],
    ['False', false],
    ['no', false],
    ['OFF', false],
    ['0', false],
  ])('reads the boolean %s', (text, value) => {
    expect(options(['align', text]).align).toBe(value);
    expect(options(['diarization', text]).diarize).toBe(value);
  });

  it('prefers a main name to its alias in either order', () => {
    expect(options(['align', 'no'], ['alignment', 'yes']).align).toBe(false);
    expect(options(['alignment', 'yes'], ['align', 'no']).align).toBe(false);
  });

  it('takes the last value of a repeated field', () => {
    expect(options(['beam_size', '2'], ['beam_size', '3']).beamSize).toBe(3);
  });

  it('reads a list of languages from commas and repetition, without doubles', () => {
    const fields: [string, string][] = [
      ['languages', 'de, en-GB'],
      ['languages', 'German'],
      ['languages[]', 'fr'],
    ];
    expect(options(...fields).languages).toEqual(['de', 'en', 'fr']);
  });

  it('reads every other field', () => {
    const fields: [string, string][] = [
      ['language', 'pt_BR'],
      ['model', 'whisperx-large-v3'],
      ['min_speakers', '1'],
      ['max_speakers', '2'],
      ['prompt', ' Grüße '],
      ['hotwords', 'mana, llm'],
      ['beam_size', '10'],
      ['temperature', '0.4'],
      ['task', 'Translate'],
    ];
    expect(options(...fields)).toEqual({
      ...DEFAULTS,
      language: 'pt',
      model: 'large-v3',
      minSpeakers: 1,
      maxSpeakers: 2,
      prompt: 'Grüße',
      hotwords: 'mana, llm',
      beamSize: 10,
      temperature: 0.4,
      task: 'translate',
    });
  });

  it('takes the language auto as absent', () => {
    expect(options(['language', 'auto']).language).toBeUndefined();
  });

  it('lists the known languages for an unknown one', () => {
    const [fault] = faults(['language', 'Klingon']);
    expect(fault).toMatchObject({ field: 'language', type: 'value_error' });
    expect(fault?.message).toContain('"Klingon"');
    expect(fault?.message).toContain('de, el, en');
  });

  it('reports all faults at once', () => {
    const found = faults(
      ['align', 'maybe'],
      ['beam_size', '11'],
      ['temperature', 'hot'],
      ['task', 'sing'],
    );
    expect(found.map(({ field }) => field)).toEqual(['align', 'beam_size', 'temperature', 'task']);
  });

  it('names a fault by the name that was sent', () => {
    expect(faults(['diarization', 'maybe'])[0]?.field).toBe('diarization');
  });

  it.each(['0', '11', '2.5', '', 'NaN', '1e1', '0x5', '5 5'].filter((text) => text !== ''))(
    'rejects the beam size %s',
    (text) => {
      expect(faults(['beam_size', text])).toHaveLength(1);
    },
  );

  it('rejects fewer most than least speakers', () => {
    expect(faults(['min_speakers', '3'], ['max_speakers', '2'])[0]?.message).toContain('3 is more');
  });

  it('rejects a model name that could be a path', () => {
    expect(faults(['model', '../../etc/passwd'])).toHaveLength(1);
  });

  it('rejects a prompt of 4001 characters', () => {
    expect(faults(['prompt', 'x'.repeat(4001)])[0]?.message).toContain('4001');
    expect(faults(['prompt', 'x'.repeat(4000)])).toEqual([]);
  });

  it('never throws and never echoes more than a little of what was sent', () => {
    const names = ['language', 'languages', 'align', 'beam_size', 'model', 'task', 'temperature'];
    const field = fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 3000 }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        for (const { message } of faults(...fields)) {
          expect(message.length).toBeLessThan(700);
        }
      }),
    );
  });
});

describe('findLanguage', () => {
  it('finds every code, in capitals and with a region too', () => {
    for (const code of WHISPER_LANGUAGES) {
      expect(findLanguage(code)).toBe(code);
      expect(findLanguage(`${code.toUpperCase()}-XX`)).toBe(code);
    }
    expect(WHISPER_LANGUAGES).toHaveLength(100);
  });

  it.each([
    ['German', 'de'],
    ['deutsch', 'de'],
    ['Français', 'fr'],
    ['zh-Hant-TW', 'zh'],
    ['nb-NO', 'no'],
    ['Tagalog', 'tl'],
    ['Haitian Creole', 'ht'],
  ])('finds %s', (written, code) => {
    expect(findLanguage(written)).toBe(code);
  });

  it.each(['xx', 'de-', 'de;rm', 'constructor', '', 'germanish'])(
    'does not find "%s"',
    (written) => {
      expect(findLanguage(written)).toBeNull();
    },
  );
});
