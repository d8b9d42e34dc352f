import { describe, expect, it } from 'vitest';
import { askByHttp, isReleaseUrl, LOCAL_HOSTS } from '#origin/vram/ask-release.ts';
import { newLease } from '#test/support/new-lease.ts';

const URL_OF_OWNER = 'http://127.0.0.1:9/release';
const lease = newLease({ releaseUrl: URL_OF_OWNER });

describe('askByHttp', () => {
  it('tells the owner which lease is wanted, and why', async () => {
    const calls: [string, RequestInit | undefined][] = [];
    const ask = askByHttp(async (url, init) => {
      calls.push([String(url), init]);
      return new Response(null, { status: 202 });
    }, 1000);
    expect(await ask(lease, 'room')).toEqual({ outcome: 'asked' });
    expect(calls[0]?.[0]).toBe(URL_OF_OWNER);
    expect(calls[0]?.[1]).toMatchObject({ method: 'POST', redirect: 'manual' });
    const body = { lease_id: 'lease', owner: 'tts', model: 'f5', device: 'a', reason: 'room' };
    expect(JSON.parse(String(calls[0]?.[1]?.body))).toEqual(body);
  });

  it.each([
    [409, { outcome: 'busy' }],
    [302, { outcome: 'failed', problem: 'status 302' }],
    [500, { outcome: 'failed', problem: 'status 500' }],
  ] as const)('understands status %i', async (status, outcome) => {
    const ask = askByHttp(async () => new Response(null, { status }), 1000);
    expect(await ask(lease, 'room')).toEqual(outcome);
  });

  it('gives up an owner that does not answer', async () => {
    const never: typeof fetch = (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    expect(await askByHttp(never, 1)(lease, 'room')).toEqual({
      ...{ outcome: 'failed', problem: 'TimeoutError' },
    });
  });

  it('asks nobody without an address: the next heartbeat tells', async () => {
    const ask = askByHttp(() => Promise.reject(new Error('no call')), 1000);
    expect(await ask(newLease(), 'room')).toEqual({ outcome: 'asked' });
  });
});

describe('isReleaseUrl', () => {
  it.each([
    'http://127.0.0.1:8001/gpu/release',
    'https://localhost/x',
    'http://[::1]:80/',
    'http://127.1/x',
    'http://host.docker.internal:7860/',
  ])('takes %s', (url) => {
    expect(isReleaseUrl(url, LOCAL_HOSTS)).toBe(true);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://intern.example/',
    'http://127.0.0.1.example/',
    'http://user:pass@127.0.0.1/',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'not an address',
  ])('refuses %s', (url) => {
    expect(isReleaseUrl(url, LOCAL_HOSTS)).toBe(false);
  });

  it('takes hosts that the settings name', () => {
    expect(isReleaseUrl('http://tts:8001/', [...LOCAL_HOSTS, 'tts'])).toBe(true);
  });
});
