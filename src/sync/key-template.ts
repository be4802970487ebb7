import { splitSyncKey } from '../schema/sync-key.ts';
import type { Resource } from '../sql/types.ts';

/** `metadata.sync_key_template` of a schema, compiled. */
export interface KeyTemplate {
  /** What every rendered path begins with. */
  readonly prefix: string;
  /** The path of a resource. What it does not have renders empty, as in Gohan. */
  render(resource: Resource): string;
  /** The texts of the properties that a path was rendered from; undefined when it is none of this template. Values with a slash are not found again. */
  match(path: string): Readonly<Record<string, string>> | undefined;
}

/** Compiles a template such as `/v1.0/dev/{{device_id}}/vm/{{id}}`, which was checked when its schema was loaded. */
export function compileKeyTemplate(text: string): KeyTemplate {
  const { literals, names } = splitSyncKey(text);
  const expression = new RegExp(`^${literals.map(escape).join('([^/]*)')}$`);
  return {
    prefix: literals[0] ?? '',
    render: (resource) => literals.map((literal, index) => literal + toText(names[index], resource)).join(''),
    match(path) {
      const found = expression.exec(path);
      if (found === null) return undefined;
      const values: Record<string, string> = {};
      for (const [index, name] of names.entries()) {
        const value = found[index + 1] ?? '';
        if ((values[name] ??= value) !== value) return undefined;
      }
      return values;
    },
  };
}

function toText(name: string | undefined, resource: Resource): string {
  const value = name === undefined ? undefined : resource[name];
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function escape(literal: string): string {
  return literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
