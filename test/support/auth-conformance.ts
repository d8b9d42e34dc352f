/** Runs the conformance cases of authentication against any app that `send` reaches. */
import { describe, expect, it } from 'vitest';
import { REASON_HEADER } from '#test/support/auth-app.ts';
import type { AuthCase } from '#test/support/auth-cases/auth-case.ts';
import { AUTH_GROUPS, type AuthGroup } from '#test/support/auth-cases.ts';
import type { AuthWorld } from '#test/support/auth-world.ts';

/** An app under test. */
export interface AuthTarget {
  readonly world: AuthWorld;
  /** Sends to the app with these settings; apps with one `appId` are one app, with its memory. */
  send(
    app: { readonly env: Readonly<Record<string, string>>; readonly appId: string },
    headers: Readonly<Record<string, string>>,
  ): Promise<Response>;
}

/** Describes all groups that are chosen. `target` is called when its world exists. */
export function describeAuthentication(
  where: string,
  target: () => AuthTarget,
  isChosen: (group: AuthGroup) => boolean = () => true,
): void {
  describe.each(AUTH_GROUPS.filter(isChosen))(`authentication in ${where}: $name`, (group) => {
    it.each(group.cases)('answers "$name" with $status', async (given) => {
      const answer = await play(target(), group, given);
      await judge(answer, given);
    });
  });
}

async function play(target: AuthTarget, group: AuthGroup, given: AuthCase): Promise<Response> {
  const { world } = target;
  // Cases that disturb mana-auth get an app of their own: what it learns must not reach the next.
  const appId = given.mode === undefined ? group.name : `${group.name}: ${given.name}`;
  const app = { env: group.env(world), appId };
  world.manaAuth.mode = 'up';
  if (given.warmUp !== undefined) {
    const warm = await target.send(app, await given.warmUp(world));
    await warm.text();
    expect(warm.status).toBe(200);
  }
  const headers = await given.headers(world);
  world.manaAuth.mode = given.mode ?? 'up';
  const answer = await target.send(app, headers);
  world.manaAuth.mode = 'up';
  return answer;
}

async function judge(answer: Response, given: AuthCase): Promise<void> {
  const text = await answer.text();
  expect(answer.status, text).toBe(given.status);
  const reason = answer.headers.get(REASON_HEADER);
  if (given.reason !== undefined && reason !== null) {
    expect(reason).toBe(given.reason);
  }
  const { id } = JSON.parse(text) as { id?: string };
  // Only the least app tells whom it saw.
  if (given.principal !== undefined && id !== undefined) {
    expect(id).toMatch(
      given.principal instanceof RegExp ? given.principal : new RegExp(`^${given.principal}$`),
    );
  }
  if (given.status === 401) {
    expect(answer.headers.get('www-authenticate')).toBe('ApiKey');
  }
  if (given.status === 503) {
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
}
