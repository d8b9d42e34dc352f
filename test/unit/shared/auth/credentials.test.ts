import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeaderReader, readCredential } from '#shared/auth/credentials.ts';

const reader = (headers: Record<string, string>): HeaderReader => ({
  get: (name) => headers[name] ?? null,
});

describe('readCredential', () => {
  it.each([
    ['CRLF', 'sk-a\r\nX-Admin: 1'],
    ['a null byte', 'sk-a\0b'],
    ['letters outside ASCII', 'sk-äöü'],
    ['an emoji', 'sk-🔑'],
    ['a bidirectional mark', 'sk-\u202eab'],
    ['a no-break space', 'sk-a\u00a0b'],
  ])('refuses a key with %s', (_what, key) => {
    const refused = { ok: false, error: 'strange_characters' };
    expect(readCredential(reader({ 'x-api-key': key }))).toEqual(refused);
    expect(readCredential(reader({ authorization: `Bearer ${key}` }))).toEqual(refused);
  });

  it('takes 8192 characters and refuses one more', () => {
    const longest = 'k'.repeat(8192);
    expect(readCredential(reader({ authorization: `Bearer ${longest}` }))).toEqual({
      ok: true,
      value: longest,
    });
    for (const headers of [
      { 'x-api-key': `${longest}k` },
      { authorization: `Bearer ${longest}k` },
    ]) {
      expect(readCredential(reader(headers))).toEqual({ ok: false, error: 'too_long' });
    }
  });

  it('refuses a bearer beside a key that differs in case only', () => {
    const headers = reader({ 'x-api-key': 'sk-a', authorization: 'Bearer SK-A' });
    expect(readCredential(headers)).toEqual({ ok: false, error: 'two_credentials' });
  });

  it('gives visible ASCII or nothing, whatever is sent', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string().map((key) => `Bearer ${key}`),
    );
    fc.assert(
      fc.property(text, text, (apiKey, authorization) => {
        const read = readCredential(reader({ 'x-api-key': apiKey, authorization }));
        expect(read.ok && read.value !== null ? read.value : 'none').toMatch(
          /^[\x21-\x7e]{1,8192}$/,
        );
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
