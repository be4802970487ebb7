import { usageFailure } from '../failure.ts';
import type { CliIo } from '../io.ts';
import type { ClientWords } from './client-options.ts';
import { resourceTable, rowsTable } from './client-output.ts';
import { type ClientAction, type ClientSchema, type Fields, isFields, toProperties } from './client-schema.ts';
import type { ClientServer } from './client-server.ts';
import { findTarget, optionNames, parseClientValue, toBody, unknownOption } from './client-values.ts';
import { findId, findResource, listResources, resourcePath } from './find-resource.ts';

/** One command line of the client, parsed. */
export interface ClientCall {
  readonly schema: ClientSchema;
  /** All that the caller may read. */
  readonly schemas: readonly ClientSchema[];
  readonly server: ClientServer;
  readonly line: ClientWords;
  readonly io: CliIo;
}

/** Query keys of a list beside its properties. */
const LIST_KEYS = ['limit', 'offset', 'sort', 'sort_key', 'sort_order', 'search_field', 'any_of'];

/** The commands that every schema has, by name. Reject with a `Failure`. */
export const CLIENT_RUNS: Readonly<Record<string, (call: ClientCall) => Promise<void>>> = {
  list,
  show,
  create,
  set,
  delete: remove,
};

async function list(call: ClientCall): Promise<void> {
  const { schema, server, line, io } = call;
  takeWords(line, 0, 'list');
  const query: Record<string, readonly string[]> = { ...fieldsQuery(line) };
  for (const option of line.options) {
    const [name, value] = await toFilter(call, option);
    query[name] = [...(query[name] ?? []), value];
  }
  const rows = await listResources(server, schema, query);
  io.out(line.common.format === 'json' ? toJson({ [schema.plural]: rows }) : rowsTable(schema, rows));
}

/** The query key and value of an option of a list; a relation is filtered by the id or the name of what it relates to. */
async function toFilter({ schema, schemas, server }: ClientCall, [name, value]: readonly [string, string]): Promise<[string, string]> {
  const [base = '', ...comparison] = name.split('__');
  if (LIST_KEYS.includes(name) || schema.properties.some((property) => property.name === base)) return [name, value];
  const relation = findTarget(schema, schemas, base);
  if (relation === undefined) throw unknownOption(name, [...optionNames(schema), ...LIST_KEYS]);
  const key = [relation.property, ...comparison].join('__');
  // `--store__null true` says nothing of a store.
  return [key, comparison[0] === 'null' ? value : String(await findId(server, relation.target, value))];
}

async function show(call: ClientCall): Promise<void> {
  const { schema, schemas, server, line, io } = call;
  rejectOptions(line, 'show');
  const [text = ''] = takeWords(line, 1, 'show ID');
  const id = await findId(server, schema, text);
  const { body } = await server.call({ method: 'GET', path: resourcePath(schema, id), query: fieldsQuery(line) });
  const shown: Record<string, unknown> = isFields(body) ? { ...body } : {};
  const tables = [resourceTable(schema, isFields(shown[schema.singular]) ? (shown[schema.singular] as Fields) : {})];
  for (const child of schemas.filter(({ parent }) => parent === schema.id)) {
    const rows = await listResources(server, child, { [`${schema.id}_id`]: id });
    shown[child.plural] = rows;
    tables.push(`\n${child.title}\n${rowsTable(child, rows)}`);
  }
  io.out(line.common.format === 'json' ? toJson(shown) : tables.join(''));
}

async function create(call: ClientCall): Promise<void> {
  const { schema, server, line } = call;
  takeWords(line, 0, 'create');
  const body = await toBody(line.options, schema, call);
  const answer = await server.call({ method: 'POST', path: schema.url, body: { [schema.singular]: body } });
  printResource(call, answer.body);
}

async function set(call: ClientCall): Promise<void> {
  const { schema, server, line } = call;
  const [text = ''] = takeWords(line, 1, 'set … ID');
  const body = await toBody(line.options, schema, call);
  const path = resourcePath(schema, await findId(server, schema, text));
  // PUT creates what is missing; what is changed here was found just now.
  const headers = { 'if-match': '*' };
  const answer = await server.call({ method: 'PUT', path, headers, body: { [schema.singular]: body } });
  printResource(call, answer.body);
}

async function remove(call: ClientCall): Promise<void> {
  const { schema, server, line } = call;
  rejectOptions(line, 'delete');
  const [text = ''] = takeWords(line, 1, 'delete ID');
  await server.call({ method: 'DELETE', path: resourcePath(schema, await findId(server, schema, text)) });
}

/** Runs a custom action: its input is one JSON value, or an option per property of it. */
export async function runAction(call: ClientCall, action: ClientAction): Promise<void> {
  const { schema, server, line, io } = call;
  const needsId = action.path.includes(':id');
  const words = [...line.words];
  const text = needsId ? words.pop() : undefined;
  if (needsId && text === undefined) throw usageFailure(`${action.id} needs the ID of a ${schema.singular}`);
  const body = toInput(action, line, words);
  const id = text === undefined ? undefined : String((await findResource(server, schema, text))['id']);
  const path = schema.url + (id === undefined ? action.path : action.path.replace(':id', encodeURIComponent(id)));
  const answer = await server.call({ method: action.method, path, ...(body !== undefined && { body }) });
  if (answer.body !== '') io.out(typeof answer.body === 'string' ? `${answer.body}\n` : toJson(answer.body));
}

function toInput(action: ClientAction, line: ClientWords, words: readonly string[]): unknown {
  if (words.length > 1) throw usageFailure(`too many words: ${words.join(' ')}`);
  const [json] = words;
  if (json !== undefined) {
    if (line.options.length > 0) throw usageFailure(`the input of ${action.id} is either one JSON value or options`);
    return parseClientValue(action.id, 'object', json);
  }
  if (action.input === undefined) {
    rejectOptions(line, action.id);
    return undefined;
  }
  const properties = toProperties(action.input);
  return Object.fromEntries(
    line.options.map(([name, value]) => {
      const property = properties.find((known) => known.name === name);
      if (property === undefined)
        throw unknownOption(
          name,
          properties.map((known) => known.name),
        );
      return [name, parseClientValue(name, property.type, value)];
    }),
  );
}

function printResource({ schema, line, io }: ClientCall, body: unknown): void {
  // Who may write it may not be allowed to read what came of it.
  if (body === '') return line.common.format === 'json' ? undefined : io.out(`done; the ${schema.singular} may not be read by you\n`);
  const whole = isFields(body) ? body[schema.singular] : undefined;
  // Writes have no query for it.
  const resource = isFields(whole) && line.common.fields.length > 0 ? pickFields(schema, whole, line.common.fields) : whole;
  if (line.common.format === 'json') io.out(toJson(isFields(body) && resource !== whole ? { ...body, [schema.singular]: resource } : body));
  else io.out(isFields(resource) ? resourceTable(schema, resource) : `${JSON.stringify(body)}\n`);
}

/** What a list would show of a resource with these `_fields`: own properties, and those of related resources as `schema_id.name`. */
function pickFields(schema: ClientSchema, resource: Fields, fields: readonly string[]): Fields {
  const picked: Record<string, unknown> = {};
  for (const field of fields) {
    const name = field.startsWith(`${schema.id}.`) ? field.slice(schema.id.length + 1) : field;
    if (name in resource) picked[name] = resource[name];
    const [target, inner = ''] = field.split('.', 2);
    for (const { relation, embedAs } of schema.properties) {
      const related = embedAs === undefined || relation !== target ? undefined : resource[embedAs];
      if (embedAs !== undefined && isFields(related) && inner in related)
        picked[embedAs] = { ...(picked[embedAs] as Fields | undefined), [inner]: related[inner] };
    }
  }
  return picked;
}

function takeWords(line: ClientWords, count: number, usage: string): readonly string[] {
  if (line.words.length === count) return line.words;
  throw usageFailure(
    `${line.words.length > count ? `too many words: ${line.words.slice(count).join(' ')}` : 'a word is missing'}; usage: ${usage}`,
  );
}

function rejectOptions(line: ClientWords, command: string): void {
  const [first] = line.options;
  if (first !== undefined) throw usageFailure(`${command} takes no option --${first[0]}`);
}

function fieldsQuery(line: ClientWords): Readonly<Record<string, readonly string[]>> {
  return line.common.fields.length === 0 ? {} : { _fields: line.common.fields };
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
