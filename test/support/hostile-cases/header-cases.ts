/** Headers that lie, overflow or smuggle. */
import {
  FORM_TYPE,
  file,
  form,
  type HostileCase,
  inChunks,
  SILENCE,
} from '#test/support/hostile-cases/hostile-case.ts';

const SMUGGLED = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const models = (...headers: readonly string[]) => ({ method: 'GET', path: '/models', headers });

export const HEADER_CASES: readonly HostileCase[] = [
  {
    name: 'a header of 1 MB',
    request: () => models(`X-Big: ${'a'.repeat(1024 * 1024)}`),
    status: [431],
    refusedBy: 'server',
  },
  {
    name: 'headers of 20 kB',
    request: () => models(`Cookie: ${'a'.repeat(20_000)}`),
    status: [431],
    // Cloudflare passes up to 32 kB.
    edge: [200],
    refusedBy: 'server',
  },
  {
    name: '3,000 headers',
    request: () => models(...Array.from({ length: 3000 }, (_, index) => `X-${index}: ${index}`)),
    status: [431],
    edge: [200],
    refusedBy: 'server',
  },
  {
    name: 'bytes beyond ASCII in a header',
    request: () => models('X-Name: gr\xfc\xdfe \xff\xfe'),
    status: [200],
    edge: [200],
  },
  {
    name: 'a NUL in a header',
    request: () => models('X-Name: a\0b'),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a header without a name',
    request: () => models(': empty'),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a blank before the colon',
    request: () => models('X-Name : a'),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a folded header',
    request: () => models('X-Name: a', ' b'),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a request id that would write a header',
    request: () => models('X-Request-Id: a%0d%0aSet-Cookie: evil=1'),
    status: [200],
  },
  {
    name: 'a request id with control signs',
    request: () => models('X-Request-Id: a\tb\x7f'),
    status: [400],
    edge: [200],
    refusedBy: 'server',
  },
  {
    name: 'a request id of 10 kB',
    request: () => models(`X-Request-Id: ${'r'.repeat(10_000)}`),
    status: [200],
  },
  {
    name: 'a request id with markup',
    request: () => models('X-Request-Id: <script>alert(1)</script>'),
    status: [200],
  },
  {
    name: 'an Accept of 8 kB',
    request: () => models(`Accept: ${'text/html,'.repeat(800)}`),
    status: [200],
  },
  {
    name: 'an Origin that nobody allowed',
    request: () => models('Origin: https://evil.test'),
    status: [200],
  },
  {
    name: "a forged sender's address",
    request: () =>
      models('X-Forwarded-For: 127.0.0.1', 'CF-Connecting-IP: 127.0.0.1', 'X-Real-IP: ::1'),
    status: [200],
  },
  {
    name: 'metrics by a forged address',
    request: () => ({
      method: 'GET',
      path: '/metrics',
      key: null,
      headers: ['X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1'],
    }),
    status: [401],
    code: 'unauthenticated',
  },
  {
    name: 'an assertion from outside',
    request: () => models('X-Mana-Assertion: e30.e30.e30'),
    status: [401],
    code: 'unauthenticated',
  },
  {
    name: 'an assertion from outside, of 12 kB',
    request: () => models(`X-Mana-Assertion: ${'a'.repeat(12_000)}`),
    status: [401],
    code: 'unauthenticated',
  },
  {
    name: "Cloudflare Access's token from outside",
    request: () => ({
      ...models('CF-Access-Client-Id: a', 'CF-Access-Client-Secret: b'),
      key: null,
    }),
    status: [401],
    code: 'unauthenticated',
  },
  {
    name: 'another Host',
    request: () => ({ ...models(), host: 'Host: evil.test' }),
    status: [200],
  },
  {
    name: 'a Host with a path in it',
    request: () => ({ ...models(), host: 'Host: evil.test/metrics?' }),
    status: [400],
    edge: [403],
    refusedBy: 'server',
  },
  {
    name: 'an empty Host',
    request: () => ({ ...models(), host: 'Host:' }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'no Host',
    request: () => ({ ...models(), host: null }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'two Hosts',
    request: () => models('Host: evil.test'),
    status: [200],
    edge: [500],
    refusedBy: 'server',
  },
  {
    name: 'two lengths that differ',
    request: () => ({ ...form(file('x')), length: 'Content-Length: 5\r\nContent-Length: 500' }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a length and chunks at once',
    request: () => ({
      headers: [FORM_TYPE, 'Transfer-Encoding: chunked'],
      body: `0\r\n\r\n${SMUGGLED}`,
    }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'chunks hidden from a proxy',
    request: () => ({
      headers: [FORM_TYPE, 'Transfer-Encoding: xchunked'],
      body: `0\r\n\r\n${SMUGGLED}`,
    }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a negative length',
    request: () => ({ ...form(file('x')), length: 'Content-Length: -1' }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'a length in words',
    request: () => ({ ...form(file('x')), length: 'Content-Length: 0x10' }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'chunk sizes that are no numbers',
    request: () => ({
      headers: [FORM_TYPE, 'Transfer-Encoding: chunked'],
      body: 'zz\r\nabc\r\n0\r\n\r\n',
      length: null,
    }),
    status: [400],
    edge: [500],
    refusedBy: 'server',
  },
  {
    name: 'a chunk of 2⁶⁴ bytes',
    request: () => ({
      headers: [FORM_TYPE, 'Transfer-Encoding: chunked'],
      body: 'ffffffffffffffff\r\nabc',
      length: null,
    }),
    status: [408],
    refusedBy: 'server',
  },
  {
    name: 'a form in chunks of seven bytes',
    request: () => inChunks({ ...form(file(SILENCE)), headers: [FORM_TYPE] }, 7),
    status: [200],
  },
  {
    name: 'Expect: something else',
    request: () => models('Expect: 200-maybe'),
    status: [417],
    edge: [200],
    refusedBy: 'server',
  },
  {
    name: 'an upgrade to WebSocket',
    request: () =>
      models(
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ),
    status: [200],
    refusedBy: 'server',
  },
  {
    name: 'an upgrade to HTTP/2',
    request: () =>
      models('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    status: [200],
    refusedBy: 'server',
  },
  {
    name: 'a Range of everything twice',
    request: () => models('Range: bytes=0-,0-,0-,0-'),
    status: [200],
  },
  {
    name: 'a Content-Encoding that is a bomb',
    request: () => ({
      ...form(file(SILENCE)),
      headers: [FORM_TYPE, 'Content-Encoding: br, br, br'],
    }),
    status: [200],
  },
];
