import { describe, expect, it } from 'vitest';
import { audioQuotaHeaders, rateLimitHeaders } from '#shared/rate-limit/headers.ts';

const OUTCOME = {
  isAllowed: true,
  limit: 60,
  remaining: 0,
  resetSeconds: 60,
  retryAfterSeconds: 42,
};

describe('rateLimitHeaders', () => {
  it('gives limit, remaining and reset with every answer', () => {
    expect(rateLimitHeaders(OUTCOME)).toEqual({
      'X-RateLimit-Limit': '60',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '60',
    });
  });

  it('adds Retry-After to a refusal', () => {
    const headers = rateLimitHeaders({ ...OUTCOME, isAllowed: false });
    expect(headers['Retry-After']).toBe('42');
  });

  it('gives none to a principal without a limit', () => {
    expect(rateLimitHeaders(null)).toEqual({});
  });
});

describe('audioQuotaHeaders', () => {
  const refused = {
    isAllowed: false,
    limitSeconds: 1,
    usedSeconds: 1,
    remainingSeconds: 0,
    retryAfterSeconds: 30,
  };

  it('says when the next day begins, with a refusal only', () => {
    expect(audioQuotaHeaders(refused)).toEqual({ 'Retry-After': '30' });
    expect(audioQuotaHeaders({ ...refused, isAllowed: true })).toEqual({});
  });
});
