import { describe, expect, it } from 'vitest';
import { isUnderV1, routedPath } from '#shared/contracts/gateway-path.ts';

const routed = (path: string) => routedPath(new Request(`http://stt.test${path}`));

describe('routedPath', () => {
  it.each([
    ['/v1/stt/health', '/health'],
    ['/v1/stt/models?x=1', '/models'],
    ['/v1/stt/transcribe', '/transcribe'],
    ['/v1/stt/transcribe/whisperx', '/transcribe/whisperx'],
    ['/v1/stt/transcribe/auto#part', '/transcribe/auto'],
  ])('takes the prefix of gateways off: %s', (path, expected) => {
    expect(routed(path)).toBe(expected);
  });

  it.each([
    ['/transcribe', '/transcribe'],
    ['/v1/stt', '/v1/stt'],
    ['/v1/stt/', '/v1/stt/'],
    ['/v1/stt/metrics', '/v1/stt/metrics'],
    ['/v1/stt/transcribe/../metrics', '/v1/stt/metrics'],
    ['/v1/stt/jobs', '/v1/stt/jobs'],
    ['/v1/stt/transcribe/a/b', '/v1/stt/transcribe/a/b'],
    ['/v1/stt/v1/stt/transcribe', '/v1/stt/v1/stt/transcribe'],
    ['/v1/sttx/transcribe', '/v1/sttx/transcribe'],
    ['//v1/stt/transcribe', '//v1/stt/transcribe'],
    ['/V1/stt/transcribe', '/V1/stt/transcribe'],
  ])('leaves every other path as it is: %s', (path, expected) => {
    expect(routed(path)).toBe(expected);
  });
});

describe('isUnderV1', () => {
  it('looks at the path only', () => {
    expect(isUnderV1('http://stt.test/v1/stt/transcribe')).toBe(true);
    expect(isUnderV1('http://stt.test/v1/audio/transcriptions?a=b')).toBe(true);
    expect(isUnderV1('http://v1.test/transcribe?/v1/')).toBe(false);
  });
});
