import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
describe('GET /', () => {
  it('lists the routes', async () => {
    const response = await exports.default.fetch('https://edge.test/');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ service: 'mana-stt' });
  });
});
