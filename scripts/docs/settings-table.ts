// README's table of settings, one row for each key, from the schema that the program itself reads its file with.
// Called by generate.ts.
import { z } from 'zod';
import { settingsSchema } from '../../src/settings.ts';

/** What this table uses of a JSON Schema; `kind` and `defaultText` are metadata of ours. */
interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  required?: string[];
  items?: Shape;
  anyOf?: Shape[];
  oneOf?: Shape[];
  const?: unknown;
  default?: unknown;
  description?: string;
  kind?: string;
  defaultText?: string;
}

interface Row {
  key: string;
  kind: string;
  default: string;
  description: string;
}

export function settingsTable(): string {
  const shape = z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' }) as Shape;
  const rows = keysOf(shape, '');
  const silent = rows.filter((row) => !row.description || !row.kind).map((row) => row.key);
  if (silent.length) throw new Error(`Settings without a kind or a description: ${silent.join(', ')}`);
  return [
    '| Key | Type | Default | Meaning |',
    '|---|---|---|---|',
    ...rows.map((row) =>
      ['', `\`${row.key}\``, cell(row.kind), cell(row.default), cell(row.description), ''].join(' | ').trim(),
    ),
  ].join('\n');
}

function keysOf(shape: Shape, prefix: string): Row[] {
  const rows = Object.entries(shape.properties ?? {}).flatMap(([name, inner]) => {
    const key = `${prefix}${name}`;
    const sections = sectionsOf(inner);
    // A plain section is only its keys; a list of sections, or one with a default of its own, also has a row for itself.
    const own = sections.length && !inner.description ? [] : [rowFor(key, inner, !!shape.required?.includes(name))];
    const below = sections.flatMap((section) => keysOf(section, `${key}${isList(inner) ? '[]' : ''}.`));
    return [...own, ...below];
  });
  return merged(rows);
}

/** The sections that a value may consist of: itself, the items of a list, the forms of a union (a section and a list of it: once). */
function sectionsOf(shape: Shape): Shape[] {
  if (shape.properties) return [shape];
  if (shape.items) return sectionsOf(shape.items);
  const forms = shape.anyOf ?? shape.oneOf ?? [];
  const single = forms.filter((form) => form.properties);
  return single.length ? single : forms.flatMap(sectionsOf);
}

function isList(shape: Shape): boolean {
  return shape.items !== undefined;
}

function rowFor(key: string, shape: Shape, isRequired: boolean): Row {
  return {
    key,
    kind: shape.kind ?? (typeof shape.const === 'string' ? shape.const : ''),
    default: isRequired ? '(required)' : (shape.defaultText ?? codeOf(shape.default)),
    description: shape.description ?? '',
  };
}

/** Keys that several forms share, such as `type`, are told once, with the kinds of all forms. */
function merged(rows: Row[]): Row[] {
  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const known = byKey.get(row.key);
    if (!known) byKey.set(row.key, row);
    else if (known.description !== row.description) throw new Error(`${row.key} is described in two ways.`);
    else if (!known.kind.split(' | ').includes(row.kind)) known.kind += ` | ${row.kind}`;
  }
  return [...byKey.values()];
}

/** As one would write it in the file. */
function codeOf(value: unknown): string {
  return value === undefined ? '' : `\`${yamlOf(value)}\``;
}

function yamlOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlOf).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${yamlOf(inner)}`)
      .join(', ')} }`;
  }
  return String(value);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
