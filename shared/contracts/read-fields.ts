/** Text fields as sent → one value for each name that a schema knows, and faults under the names that were sent. */
import type { z } from 'zod';
import type { FieldFault } from '#shared/errors.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** One text field as sent. Names may repeat. */
export interface FormField {
  readonly name: string;
  readonly value: string;
}

export interface FieldNames {
  /** Other name → main name. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Main names of fields that may be repeated. */
  readonly lists?: ReadonlySet<string>;
}

/**
 * Reads the fields that a schema knows; others are passed over. A field that is empty or only spaces counts as absent; of
 * a repeated field the last value counts, except for lists. All faults are reported at once.
 */
export function readFields<Schema extends z.ZodType>(
  schema: Schema,
  fields: readonly FormField[],
  names: FieldNames = {},
): Result<z.output<Schema>, readonly FieldFault[]> {
  const sent = collectFields(fields, names);
  const parsed = schema.safeParse(sent.values);
  if (parsed.success) return ok(parsed.data);
  return fail(parsed.error.issues.map((issue) => toFieldFault(issue, sent.names)));
}

interface SentFields {
  readonly values: Record<string, string | string[]>;
  /** The name in use for each main name: the main one wins over its alias. */
  readonly names: Record<string, string>;
}

function collectFields(
  fields: readonly FormField[],
  { aliases = {}, lists = new Set() }: FieldNames,
): SentFields {
  const values: Record<string, string | string[]> = Object.create(null);
  const names: Record<string, string> = Object.create(null);
  for (const { name, value } of fields) {
    const mainName = (Object.hasOwn(aliases, name) ? aliases[name] : null) ?? name;
    const text = value.trim();
    if (text === '') {
      continue;
    }
    if (lists.has(mainName)) {
      const earlier = values[mainName];
      values[mainName] = [...(Array.isArray(earlier) ? earlier : []), text];
    } else if (name === mainName || names[mainName] !== mainName) {
      values[mainName] = text;
    } else {
      continue;
    }
    names[mainName] = name;
  }
  return { values, names };
}

function toFieldFault(issue: z.core.$ZodIssue, names: Record<string, string>): FieldFault {
  const mainName = String(issue.path[0] ?? 'form');
  const type = issue.code === 'custom' ? issue.params?.['type'] : undefined;
  return {
    field: names[mainName] ?? mainName,
    message: issue.message,
    type: typeof type === 'string' ? type : 'value_error',
  };
}
