/** Paths and methods that look for a way around. */
import type { HostileCase } from '#test/support/hostile-cases/hostile-case.ts';

const at = (path: string, method = 'GET') => ({ method, path });
const nothing = { status: [404], code: 'unknown_route' } as const;

export const PATH_CASES: readonly HostileCase[] = [
  { name: '//transcribe', request: () => at('//transcribe', 'POST'), ...nothing },
  { name: '/transcribe//', request: () => at('/transcribe//', 'POST'), ...nothing },
  { name: '/transcribe/', request: () => at('/transcribe/', 'POST'), ...nothing },
  { name: '/TRANSCRIBE', request: () => at('/TRANSCRIBE', 'POST'), ...nothing },
  {
    name: '/transcribe/../metrics without a key',
    request: () => ({
      ...at('/transcribe/../metrics'),
      key: null,
      headers: ['X-Forwarded-For: 1.2.3.4'],
    }),
    status: [401],
  },
  {
    name: '/health/%2e%2e/metrics without a key',
    request: () => ({
      ...at('/health/%2e%2e/metrics'),
      key: null,
      headers: ['X-Forwarded-For: 1.2.3.4'],
    }),
    status: [401],
  },
  { name: '/health/..%2fmodels', request: () => at('/health/..%2fmodels'), ...nothing },
  { name: '/health/..%5cmodels', request: () => at('/health/..%5cmodels'), ...nothing },
  {
    name: '/%6dodels without a key',
    request: () => ({ ...at('/%6dodels'), key: null }),
    status: [401],
  },
  {
    name: '/models;/health without a key',
    request: () => ({ ...at('/models;/health'), key: null }),
    status: [404],
  },
  { name: '/models%00', request: () => at('/models%00'), ...nothing },
  {
    name: '/models%0d%0aSet-Cookie:a=b',
    request: () => at('/models%0d%0aSet-Cookie:a=b'),
    ...nothing,
  },
  { name: '/%', request: () => at('/%'), ...nothing },
  { name: '/%ff%fe', request: () => at('/%ff%fe'), ...nothing },
  { name: 'a NUL in the path', request: () => at('/mod\0els'), status: [400], refusedBy: 'server' },
  { name: 'a path of 8 kB', request: () => at(`/${'a'.repeat(8000)}`), ...nothing },
  {
    name: 'a path of 100 kB',
    request: () => at(`/${'a'.repeat(100_000)}`),
    status: [431],
    edge: [414],
    refusedBy: 'server',
  },
  {
    name: 'markup in the path',
    request: () => at('/<script>alert(1)</script>'),
    status: [404],
    edge: [400],
    refusedBy: 'server',
  },
  { name: 'a file of the machine', request: () => at('/../../../../etc/passwd'), ...nothing },
  { name: 'a source file', request: () => at('/wrangler.toml'), ...nothing },
  { name: '/jobs/../../x', request: () => at('/jobs/../../x'), ...nothing },
  { name: '/jobs/..%2f..%2fx', request: () => at('/jobs/..%2f..%2fx'), status: [404] },
  {
    name: '/jobs/ of somebody else',
    request: () => at('/jobs/00000000-0000-4000-8000-000000000000'),
    status: [404],
  },
  { name: "/jobs/' OR 1=1 --", request: () => at("/jobs/'%20OR%201=1%20--"), status: [404] },
  { name: '/v1/stt/metrics', request: () => at('/v1/stt/metrics'), ...nothing },
  {
    name: '/v1/stt/../stt/../../metrics',
    request: () => ({
      ...at('/v1/stt/../stt/../../metrics'),
      key: null,
      headers: ['X-Forwarded-For: 1.2.3.4'],
    }),
    status: [401],
  },
  {
    name: 'the address of another machine',
    request: () => at('http://169.254.169.254/latest/meta-data'),
    status: [404],
    refusedBy: 'server',
  },
  {
    name: 'GET for POST',
    request: () => at('/transcribe'),
    status: [405],
    code: 'method_not_allowed',
  },
  {
    name: 'DELETE /models',
    request: () => at('/models', 'DELETE'),
    status: [405],
    code: 'method_not_allowed',
  },
  {
    name: 'TRACE',
    request: () => at('/models', 'TRACE'),
    status: [405],
    refusedBy: 'server',
  },
  {
    name: 'CONNECT',
    request: () => at('evil.test:443', 'CONNECT'),
    status: [],
    edge: [500],
    refusedBy: 'server',
  },
  {
    name: 'a method that nobody knows',
    request: () => at('/models', 'FROBNICATE'),
    status: [400],
    edge: [501],
    refusedBy: 'server',
  },
  {
    name: 'a method in small letters',
    request: () => at('/models', 'get'),
    status: [400],
    edge: [501],
    refusedBy: 'server',
  },
  {
    name: 'the asterisk',
    request: () => at('*', 'OPTIONS'),
    status: [400],
    refusedBy: 'server',
    // Miniflare, which takes the request before workerd, has a page of its own for it.
    only: 'origin',
  },
  {
    name: 'HTTP/0.9',
    request: () => ({ ...at('/models'), version: '0.9' }),
    status: [200],
    edge: [400],
    refusedBy: 'server',
  },
  {
    name: 'HTTP/3.0',
    request: () => ({ ...at('/models'), version: '3.0' }),
    status: [400],
    refusedBy: 'server',
  },
];
