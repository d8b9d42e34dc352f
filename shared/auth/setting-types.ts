/** Forms of values in the settings of authentication: text → our own types, with faults that say what to write. */
import { z } from 'zod';
import type { RateLimit } from '#shared/auth/principal.ts';
import { isUsableKey, MAX_KEY_CHARACTERS } from '#shared/auth/static-keys.ts';

export const yesOrNo = z.string().transform((text, context) => {
  const word = text.trim().toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) {
    return true;
  }
  if (['false', '0', 'no', 'off'].includes(word)) {
    return false;
  }
  context.addIssue({ code: 'custom', message: 'write true or false' });
  return z.NEVER;
});

export const whole = (min: number, max: number) =>
  z
    .string()
    .transform((text, context) => {
      const value = /^\s*\d{1,12}\s*$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= min && value <= max)) {
        context.addIssue({ code: 'custom', message: `write a whole number from ${min} to ${max}` });
        return z.NEVER;
      }
      return value;
    })
    // Says the same again for the generated page: a transform has no JSON Schema of its own.
    .pipe(z.number().int().min(min).max(max));

export const internalKey = z
  .string()
  .trim()
  .min(8, 'write at least 8 characters')
  .refine(isUsableKey, `write up to ${MAX_KEY_CHARACTERS} visible ASCII characters`);

/** An address of mana-auth, without a slash at the end. */
export const authUrl = z.string().transform((text, context) => {
  const url = URL.parse(text.trim());
  const isPlain =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (!isPlain) {
    context.addIssue({
      code: 'custom',
      message: 'write an address such as https://auth.example.org, without password and query',
    });
    return z.NEVER;
  }
  return url.href.replace(/\/+$/, '');
});

/** `free=60/60,pro=600/60`. */
export const tierLimits = z.string().transform((text, context) => {
  const limits = new Map<string, RateLimit>();
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, tier, requests, windowSeconds] = TIER.exec(entry) ?? [];
    if (tier !== undefined && Number(requests) > 0 && Number(windowSeconds) > 0) {
      limits.set(tier, { requests: Number(requests), windowSeconds: Number(windowSeconds) });
    } else if (entry !== '') {
      context.addIssue({ code: 'custom', message: 'write TIER=REQUESTS/SECONDS, with commas' });
      return z.NEVER;
    }
  }
  return limits;
});

const TIER = /^([\w.:-]{1,64})\s*=\s*(\d{1,9})\s*\/\s*(\d{1,5})$/;
