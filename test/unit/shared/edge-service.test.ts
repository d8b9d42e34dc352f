import { describe, expect, it } from 'vitest';
import {
  EdgeHealthResponse,
  EdgeModelsResponse,
  mergeHealth,
  mergeModels,
} from '#shared/contracts/edge-service.ts';
import { HealthResponse } from '#shared/contracts/service.ts';

/** As an origin wrote it before it told its load. */
const OLD: HealthResponse = {
  status: 'healthy',
  whisper_loaded: true,
  whisperx: true,
  vllm_available: false,
  vllm_url: null,
  mistral_api_available: false,
  auth_required: true,
  models: { default_whisper: 'base', engine: 'onnxruntime', features: [] },
  engine_state: 'ready',
  device: 'cpu',
  active_requests: 1,
  queue_waiting: 1,
};
const NEW: HealthResponse = { ...OLD, free_slots: 2, jobs_waiting: 3, is_draining: true };

const seen = (name: string, health: HealthResponse | null) => ({ name, ageSeconds: 0, health });

describe('mergeHealth', () => {
  it('reads an origin that does not tell its load', () => {
    expect(HealthResponse.parse(OLD)).toEqual(OLD);
    const [origin] = mergeHealth([seen('old', OLD)]).origins;
    expect(origin).toMatchObject({ free_slots: null, jobs_waiting: null, is_draining: null });
  });

  it('lists the load of each origin and adds up what is known', () => {
    const merged = mergeHealth([seen('a', NEW), seen('b', OLD), seen('c', NEW), seen('d', null)]);
    expect(merged).toMatchObject({ free_slots: 4, jobs_waiting: 6, is_draining: false });
    expect(merged.origins.map(({ free_slots }) => free_slots)).toEqual([2, null, 2, null]);
    expect(merged.origins[0]).toMatchObject({ jobs_waiting: 3, is_draining: true });
    expect(EdgeHealthResponse.parse(merged)).toEqual(merged);
  });

  it('drains when every origin that answers does, and not when none answers', () => {
    expect(mergeHealth([seen('a', NEW), seen('b', null)]).is_draining).toBe(true);
    expect(mergeHealth([seen('a', null)]).is_draining).toBe(false);
  });

  it.each([
    ['available', true],
    ['failing', false],
    ['not_configured', false],
  ] as const)('says of Mistral that is %s, not of an origin: %s', (status, isAvailable) => {
    const mistral = { status, last_outcome: 'failure', age_seconds: 3 } as const;
    const health = { ...OLD, mistral_api_available: !isAvailable };
    const merged = mergeHealth([seen('a', health)], mistral);
    expect(merged).toMatchObject({ mistral_api_available: isAvailable, mistral });
    expect(EdgeHealthResponse.parse(merged)).toEqual(merged);
  });
});

describe('mergeModels', () => {
  it('lists hosted models apart from our own', () => {
    const own = { whisper: ['base'], voxtral_vllm: [], default_whisper: 'base', loaded: [] };
    const merged = mergeModels([{ ...own, aligners: {} }], ['voxtral-mini-latest']);
    expect(merged).toMatchObject({ whisper: ['base'], voxtral_hosted: ['voxtral-mini-latest'] });
    expect(EdgeModelsResponse.parse(merged)).toEqual(merged);
  });
});
