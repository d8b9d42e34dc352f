import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRouteForm } from '#shared/contracts/route-form.ts';
import { parseTranscribeForm } from '#shared/contracts/transcribe-form.ts';

function parse(...fields: [name: string, value: string][]) {
  return parseRouteForm(fields.map(([name, value]) => ({ name, value })));
}

const DEFAULTS = { allowHosted: true, useRealtime: false };

describe('parseRouteForm', () => {
  it('prefers nobody, allows hosted backends and wants no realtime model unless told so', () => {
    expect(parse()).toEqual({ ok: true, value: DEFAULTS });
  });

  it.each([
    ['prefer', 'Voxtral', { prefer: 'voxtral' }],
    ['prefer', ' whisper ', { prefer: 'whisper' }],
    ['allow_hosted', 'NO', { allowHosted: false }],
    ['use_realtime', 'on', { useRealtime: true }],
  ])('reads %s=%s', (name, value, expected) => {
    expect(parse([name, value])).toEqual({ ok: true, value: { ...DEFAULTS, ...expected } });
  });

  it.each(['prefer', 'allow_hosted', 'use_realtime'])('takes an empty %s as absent', (name) => {
    expect(parse([name, '  '])).toEqual({ ok: true, value: DEFAULTS });
  });

  it('refuses what it cannot read, all at once and by name: privacy is never guessed', () => {
    const parsed = parse(['allow_hosted', 'never'], ['prefer', 'mistral']);
    const fields = parsed.ok ? [] : parsed.error.map(({ field }) => field);
    expect(fields.sort()).toEqual(['allow_hosted', 'prefer']);
  });

  it('never throws, whatever the fields hold', () => {
    const anyName = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prefer'));
    const anyFields = fc.array(fc.record({ name: anyName, value: fc.string() }));
    fc.assert(
      fc.property(anyFields, (fields) => {
        parseRouteForm(fields);
        parseTranscribeForm(fields);
      }),
    );
  });
});
