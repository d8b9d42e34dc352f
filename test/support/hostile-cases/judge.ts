import { expect } from 'vitest';
import type { HostileCase } from '#test/support/hostile-cases/hostile-case.ts';
import type { RawAnswer } from '#test/support/http-exchange.ts';

/** Holds what came back against what a case allows. `secrets`: texts that no answer may hold. */
export function judge(
  answer: RawAnswer | undefined,
  given: HostileCase,
  { side, secrets }: { side: 'origin' | 'edge'; secrets: readonly string[] },
): void {
  if (answer === undefined) {
    // Node and workerd close a connection on which they can make out no request.
    expect(given.refusedBy, 'closed without an answer').toBe('server');
    return;
  }
  const { status, headers, body } = answer;
  expect(given[side] ?? given.status, `${status}: ${body.slice(0, 500)}`).toContain(status);
  expect(headers.has('set-cookie')).toBe(false);
  expectNothingInside(`${body}\n${[...headers.values()].join('\n')}`, secrets);
  const isOurs = headers.has('x-request-id');
  if (isOurs) expect(headers.get('x-request-id')).toMatch(/^[\w=-]{1,100}$/);
  if (given.refusedBy !== 'server') expect(isOurs, body).toBe(true);
  if (isOurs && status >= 400) expectOneShape(answer, given);
  if (!isOurs) expect(body.length).toBeLessThan(300);
}

/** No stack, no path, no address, no key. */
function expectNothingInside(text: string, secrets: readonly string[]): void {
  expect(text).not.toMatch(/node_modules|\/tmp\/|\/work\/|\/spool|\.[cm]?[jt]s:\d|\n\s+at /);
  expect(text).not.toMatch(/127\.0\.0\.1|localhost|root:x:0/);
  for (const secret of secrets) expect(text).not.toContain(secret);
}

function expectOneShape({ status, headers, body }: RawAnswer, { code }: HostileCase): void {
  expect(headers.get('content-type')).toBe('application/json');
  const error = JSON.parse(body);
  expect(error).toMatchObject({
    type: expect.stringMatching(/^urn:mana-stt:error:[a-z-]+$/),
    title: expect.any(String),
    status,
    code: code ?? expect.any(String),
    request_id: headers.get('x-request-id'),
  });
  const { detail } = error;
  expect(status === 422 ? Array.isArray(detail) : typeof detail === 'string').toBe(true);
  expect(body.length).toBeLessThan(3000);
  if (status === 401) expect(headers.get('www-authenticate')).toBe('ApiKey');
}
