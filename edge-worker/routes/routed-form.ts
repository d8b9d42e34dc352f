/** The form of a request whose backend is chosen by what it holds: received wholly, then read. */
import type { EdgeContext, EdgeDependencies } from '#edge-worker/edge-env.ts';
import type { FormFacts } from '#edge-worker/upload/form-inspector.ts';
import { MAX_FORM_BYTES, uploadTooLarge } from '#edge-worker/upload/limits.ts';
import { type StoredForm, storeForm } from '#edge-worker/upload/store-form.ts';
import { isSampleField } from '#shared/contracts/form-parts.ts';
import { SttException } from '#shared/errors.ts';
import { readRoutedForm as readFields } from '#shared/routing/read-routed-form.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';

/**
 * Receives the form; whoever gets it calls `body.remove`.
 * @throws SttException as `storeForm`
 */
export async function receiveForm(
  c: EdgeContext,
  { uploads }: Pick<EdgeDependencies, 'uploads'>,
): Promise<StoredForm> {
  const { limits } = uploads;
  const length = Number(c.req.header('Content-Length') ?? 0);
  if (length > limits.maxFileBytes + MAX_FORM_BYTES) throw uploadTooLarge(limits.maxFileBytes);
  const source = { body: c.req.raw.body, contentType: c.req.header('Content-Type') };
  return storeForm(source, limits, { ...uploads, key: crypto.randomUUID() });
}

/**
 * What a stored form asks for.
 * @throws SttException invalid_fields; unknown_model for a name that no Voxtral has, where one is asked for
 */
export function readRoutedForm(facts: FormFacts, route: RoutedForm['route']): RoutedForm {
  const { fields, otherFiles, file } = facts;
  // The samples themselves stay in the stored body; here only their number counts.
  const samples = otherFiles.filter(({ name }) => isSampleField(name)).map(({ name }) => name);
  const form = readFields({ fields, samples, sizeBytes: file.sizeBytes, route });
  if (!form.ok) throw new SttException(form.error);
  return form.value;
}
