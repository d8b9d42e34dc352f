import { expect, it } from 'vitest';
import { findVoxtralModel, VOXTRAL_MODELS } from '#origin/voxtral/models.ts';
import { LOCAL_VOXTRAL_IDS, LOCAL_VOXTRALS } from '#shared/routing/named-model.ts';

it('knows at the edge every Voxtral that an origin may serve', () => {
  expect(LOCAL_VOXTRAL_IDS).toEqual(VOXTRAL_MODELS.map(({ id }) => id));
  for (const size of LOCAL_VOXTRALS) expect(findVoxtralModel(size)).not.toBeNull();
});
