import {
  type AuthCase,
  bearer,
  CASE_PATH,
  CASE_REQUEST_ID,
  key,
  type SentHeaders,
} from '#test/support/auth-cases/auth-case.ts';
import { person } from '#test/support/auth-cases/forge-token.ts';
import { type AuthWorld, EDGE_USER, KEYS } from '#test/support/auth-world.ts';

const assertion = (value: string): SentHeaders => ({
  'x-mana-assertion': value,
  'x-request-id': CASE_REQUEST_ID,
});

async function asEdge(world: AuthWorld, request: { method?: string; path?: string; id?: string }) {
  const { method = 'GET', path = CASE_PATH, id = CASE_REQUEST_ID } = request;
  const headers = new globalThis.Headers({ 'x-request-id': id });
  return await world.signAsEdge(EDGE_USER, { method, url: `https://edge.test${path}`, headers });
}

/** What comes through the tunnel. */
export const ASSERTIONS: readonly AuthCase[] = [
  {
    name: 'assertion of the edge',
    headers: async (world) => assertion(await asEdge(world, {})),
    status: 200,
    principal: EDGE_USER.id,
  },
  {
    name: 'assertion for another path',
    headers: async (world) => assertion(await asEdge(world, { path: '/transcribe' })),
    status: 401,
    reason: 'assertion_refused/another_request',
  },
  {
    name: 'assertion for another method',
    headers: async (world) => assertion(await asEdge(world, { method: 'POST' })),
    status: 401,
    reason: 'assertion_refused/another_request',
  },
  {
    name: 'assertion for another request id',
    headers: async (world) => assertion(await asEdge(world, { id: 'other' })),
    status: 401,
    reason: 'assertion_refused/another_request',
  },
  {
    name: 'bad assertion beside a good key',
    headers: () => ({ ...assertion('x.y.z'), ...key(KEYS.app1) }),
    status: 401,
    reason: 'assertion_refused/malformed',
  },
  {
    name: 'empty assertion',
    headers: () => assertion(''),
    status: 401,
    reason: 'assertion_refused/malformed',
  },
  {
    name: 'token of a person as an assertion',
    headers: async (world) => assertion(await world.manaAuth.sign(person(world))),
    status: 401,
    reason: 'assertion_refused/unknown_key_id',
  },
  {
    name: 'assertion as a bearer token',
    headers: async (world) => bearer(await asEdge(world, {})),
    status: 401,
    reason: 'token_refused/unknown_key_id',
  },
];

/** `REQUIRE_AUTH=false`. */
export const OPEN: readonly AuthCase[] = [
  { name: 'nobody', headers: () => ({}), status: 200, principal: 'anonymous' },
  { name: 'a bad key', headers: () => key('sk-nobody'), status: 200, principal: 'anonymous' },
  { name: 'a good key', headers: () => key(KEYS.app1), status: 200, principal: 'key:app1' },
  {
    name: 'a bad header',
    headers: () => ({ authorization: 'x' }),
    status: 200,
    principal: 'anonymous',
  },
  {
    name: 'a bad assertion',
    headers: () => assertion('x.y.z'),
    status: 401,
    reason: 'assertion_refused/malformed',
  },
];

/** A fresh clone. */
export const NOTHING_CONFIGURED: readonly AuthCase[] = [
  { name: 'a program of this machine', headers: () => ({}), status: 200, principal: 'anonymous' },
  { name: 'any key', headers: () => key('sk-any'), status: 200, principal: 'anonymous' },
  {
    name: 'through a proxy',
    headers: () => ({ 'x-forwarded-for': '127.0.0.1' }),
    status: 401,
    reason: 'not_local/x-forwarded-for',
  },
  {
    name: 'through a tunnel',
    headers: () => ({ 'cf-connecting-ip': '203.0.113.9' }),
    status: 401,
    reason: 'not_local/cf-connecting-ip',
  },
];
