import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RouteForm } from '#shared/contracts/route-form.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import type { SttError } from '#shared/errors.ts';
import { VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/how-to/routing.md'), 'utf8');

describe('docs/how-to/routing.md', () => {
  it('has every field that decides who transcribes', () => {
    for (const name of Object.keys(RouteForm.shape)) expect(page).toContain(`| \`${name}\` |`);
  });

  it('has every route of the edge that transcribes', () => {
    const app = readFileSync(join(root, 'edge-worker/app.ts'), 'utf8');
    const routes = [...app.matchAll(/'POST (\/transcribe[^']*)'/g)].map(([, route]) => route);
    expect(routes.length).toBeGreaterThanOrEqual(4);
    for (const route of routes) expect(page).toContain(`\`POST ${route}\``);
  });

  it('has every language of Voxtral', () => {
    const listed = /knows 13 languages \(([a-z\s]+)\)/.exec(page)?.[1]?.split(/\s+/);
    expect(listed?.toSorted()).toEqual([...VOXTRAL_LANGUAGES].sort());
  });

  it.each<SttError>([
    { kind: 'unknown_model', model: 'x', known: [] },
    { kind: 'recording_too_large', explanation: '' },
    { kind: 'no_suitable_backend', explanation: '' },
    { kind: 'backend_busy', backend: 'x', retryAfterSeconds: 1 },
    { kind: 'no_backend', explanation: '', retryAfterSeconds: null },
    { kind: 'backends_failed', tried: [], retryAfterSeconds: 1 },
  ])('has $kind with its status', (error) => {
    const { status } = errorToWire(error, { requestId: 'r' });
    expect(page).toContain(`| ${status} | \`${error.kind}\` |`);
  });
});
