import type { AuthWorld } from '#test/support/auth-world.ts';
import type { ManaAuthMode } from '#test/support/mana-auth.ts';

/** A request and what must come of it. */
export interface AuthCase {
  readonly name: string;
  readonly headers: (world: AuthWorld) => SentHeaders | Promise<SentHeaders>;
  readonly status: 200 | 401 | 403 | 503;
  /** What only the log learns, as `kind/detail`. */
  readonly reason?: string;
  /** With 200: whom the app must take the caller for. */
  readonly principal?: string | RegExp;
  /** State of mana-auth for this request. Cases with one need an app without memory. */
  readonly mode?: ManaAuthMode;
  /** Sent before, with mana-auth up, and accepted: so the app may remember it. */
  readonly warmUp?: (world: AuthWorld) => SentHeaders | Promise<SentHeaders>;
}

export type SentHeaders = Readonly<Record<string, string>>;

/** The path that cases are sent to, with the id that the edge's assertions are bound to. */
export const CASE_PATH = '/models';
export const CASE_REQUEST_ID = 'conformance-1';

export const key = (value: string): SentHeaders => ({ 'x-api-key': value });
export const bearer = (value: string): SentHeaders => ({ authorization: `Bearer ${value}` });
