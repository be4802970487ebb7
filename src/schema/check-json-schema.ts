import { checkKeys, suggestion } from './check-keys.ts';
import { type Cursor, describe, isMap } from './cursor.ts';
import { FORMATS } from './formats.ts';
import { compilePattern } from './pattern.ts';
import { KEYWORDS, type SchemaKeys } from './schema-keys.ts';

/**
 * Reports what is wrong with a JSON schema of draft 4 at every depth: values of the wrong shape, formats that do not exist, patterns that do not compile,
 * references that lead nowhere. Unknown keywords are passed over. `root` is where `#` leads; with `isLoose` types and formats are not looked at.
 */
export function checkJsonSchema(cursor: Cursor, root: Cursor, options: { readonly isLoose?: boolean } = {}): void {
  if (!checkKeys(cursor, options.isLoose ? LOOSE_KEYWORDS : KEYWORDS, { closed: false, what: 'a JSON schema' })) return;
  checkValues(cursor, root, options.isLoose ?? false);
  const inner = (child: Cursor): void => checkJsonSchema(child, root, options);
  for (const [name, key] of Object.entries<SchemaKeys[string]>(KEYWORDS)) {
    if (!cursor.has(name)) continue;
    const child = cursor.at(name);
    if (key.type === 'schemaMap') for (const [, schema] of child.entries()) inner(schema);
    else if (key.type.startsWith('schema') && Array.isArray(child.value)) for (const schema of child.items()) inner(schema);
    else if (key.type.startsWith('schema') && isMap(child.value)) inner(child);
  }
}

const { type: _type, format: _format, ...LOOSE_KEYWORDS } = KEYWORDS;

function checkValues(cursor: Cursor, root: Cursor, isLoose: boolean): void {
  const format = cursor.at('format');
  if (!isLoose && typeof format.value === 'string' && !Object.hasOwn(FORMATS, format.value))
    format.report(
      `${describe(format.value)} is no format; ${suggestion(format.value, Object.keys(FORMATS))}known: ${Object.keys(FORMATS).join(', ')}`,
    );
  checkEnum(cursor.at('enum'));
  const multiple = cursor.at('multipleOf');
  if (typeof multiple.value === 'number' && multiple.value <= 0) multiple.report('expected a number above 0');
  for (const [pattern, entry] of cursor.at('patternProperties').entries()) {
    const compiled = compilePattern(pattern);
    if ('problem' in compiled) entry.report(`the name is no regular expression: ${compiled.problem}`);
  }
  for (const [, entry] of cursor.at('dependencies').entries()) {
    if (isMap(entry.value)) checkJsonSchema(entry, root, { isLoose });
    else if (!Array.isArray(entry.value) || !entry.value.every((name) => typeof name === 'string'))
      entry.report(`expected a list of properties or a JSON schema, found ${describe(entry.value)}`);
  }
  const reference = cursor.at('$ref');
  if (typeof reference.value === 'string') checkReference(reference, reference.value, root);
}

function checkEnum(cursor: Cursor): void {
  if (!Array.isArray(cursor.value)) return;
  if (cursor.value.length === 0) cursor.report('expected at least one value');
  if (new Set(cursor.value.map((value) => JSON.stringify(value))).size < cursor.value.length) cursor.report('a value is written twice');
}

function checkReference(cursor: Cursor, target: string, root: Cursor): void {
  if (target === '#') return;
  const name = /^#\/definitions\/([^/]+)$/.exec(target)?.[1];
  const known = root
    .at('definitions')
    .entries()
    .map(([key]) => key);
  if (name === undefined) return cursor.report(`expected # or #/definitions/NAME, found ${describe(target)}`);
  if (!known.includes(name.replaceAll('~1', '/').replaceAll('~0', '~')))
    cursor.report(`there is no definition ${name}; ${suggestion(name, known)}known: ${known.join(', ') || 'none'}`);
}
