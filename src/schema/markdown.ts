import type { ViewAccess } from './schema-view.ts';
import type { Property, ResourceType } from './types.ts';
import { FULL_ACCESS, requiredOf, type VisibleType, visibleTypes } from './visible-type.ts';

export interface MarkdownOptions {
  readonly title: string;
  readonly access?: ViewAccess;
}

/** A page about the REST API of the types: what each is, its URLs, its properties and its actions. */
export function toMarkdown(types: Iterable<ResourceType>, { title, access = FULL_ACCESS }: MarkdownOptions): string {
  const visible = visibleTypes(types, access);
  const contents = visible.map(({ type }) => `- [${type.title}](#${anchor(type.title)}): ${type.description}`);
  return `${[`# ${title}`, '', ...contents, '', ...visible.flatMap((one) => [...toSection(one)])].join('\n').trimEnd()}\n`;
}

function* toSection(visible: VisibleType): Generator<string> {
  const { type, read, create, update, mayDo } = visible;
  yield `## ${type.title}\n\n${type.description}\n`;
  yield '| request | does |\n|---|---|';
  yield* toRequests(visible);
  if (type.longUrl !== type.url) yield `\nAlso under its parents: \`${type.longUrl}\`.`;
  const required = requiredOf(visible);
  const properties = type.properties.filter((property) => [read, create, update].some((list) => list.includes(property)));
  if (properties.length > 0) {
    yield '\n| property | type | on create | on update | |\n|---|---|---|---|---|';
    for (const property of properties) {
      const onCreate = !create.includes(property) ? '' : required.includes(property.name) ? 'required' : 'yes';
      yield `| \`${property.name}\` | ${cell(toTypeText(property))} | ${onCreate} | ${update.includes(property) ? 'yes' : ''} | ${cell(toNote(property))} |`;
    }
  }
  for (const action of type.actions.values()) {
    if (!mayDo(action.id)) continue;
    yield `\n### ${action.id}\n\n${action.description === '' ? '' : `${action.description}\n\n`}\`${action.method} ${type.url}${action.path}\``;
    if (action.input !== undefined) yield `\nInput:\n\n\`\`\`json\n${JSON.stringify(action.input, undefined, 2)}\n\`\`\``;
    if (action.output !== undefined) yield `\nOutput:\n\n\`\`\`json\n${JSON.stringify(action.output, undefined, 2)}\n\`\`\``;
  }
  yield '';
}

function* toRequests({ type, mayDo }: VisibleType): Generator<string> {
  if (mayDo('read')) yield `| \`GET ${type.url}\` | lists them |\n| \`GET ${type.url}/{id}\` | shows one |`;
  if (mayDo('create')) yield `| \`POST ${type.url}\` | makes one |`;
  if (mayDo('update')) yield `| \`PUT ${type.url}/{id}\` | changes one, or makes it |\n| \`PATCH ${type.url}/{id}\` | changes one |`;
  if (mayDo('delete')) yield `| \`DELETE ${type.url}/{id}\` | deletes one |`;
}

function toTypeText({ type, isNullable, format, schema }: Property): string {
  const words = Array.isArray(schema['enum']) ? `: ${schema['enum'].map((value) => JSON.stringify(value)).join(', ')}` : '';
  return `${type}${format === undefined ? '' : ` (${format})`}${isNullable ? ' or null' : ''}${words}`;
}

function toNote({ title, description, defaultValue, relation, isUnique }: Property): string {
  return [
    description || title,
    ...(defaultValue === undefined ? [] : [`default \`${JSON.stringify(defaultValue)}\``]),
    ...(relation === undefined ? [] : [`refers to ${relation.schemaId}`]),
    ...(isUnique ? ['unique'] : []),
  ].join('; ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
