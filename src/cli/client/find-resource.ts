import { Failure } from '../failure.ts';
import { type ClientSchema, type Fields, isFields } from './client-schema.ts';
import type { ClientServer } from './client-server.ts';

/** The resource whose id is the text, else the one whose name it is. Rejects with a `Failure` when there is none, or when several have the name. */
export async function findResource(server: ClientServer, schema: ClientSchema, text: string): Promise<Fields> {
  const { status, body } = await server.call({ method: 'GET', path: resourcePath(schema, text), accept: [400, 404] });
  const found = isFields(body) ? body[schema.singular] : undefined;
  if (status < 300 && isFields(found)) return found;
  if (!schema.properties.some(({ name }) => name === 'name')) throw new Failure(1, 'Resource not found');
  const rows = await listResources(server, schema, { name: text });
  if (rows.length > 1) throw new Failure(1, `Multiple ${schema.plural} with name '${text}' found`);
  const [row] = rows;
  if (row === undefined) throw new Failure(1, 'Resource not found');
  return row;
}

/** The id of that resource, as the server writes it. */
export async function findId(server: ClientServer, schema: ClientSchema, text: string): Promise<string> {
  const { id } = await findResource(server, schema, text);
  return String(id);
}

/** The rows that a list answers. */
export async function listResources(
  server: ClientServer,
  schema: ClientSchema,
  query: Readonly<Record<string, string | readonly string[] | undefined>>,
): Promise<readonly Fields[]> {
  const { body } = await server.call({ method: 'GET', path: schema.url, query });
  const rows = isFields(body) ? body[schema.plural] : undefined;
  if (!Array.isArray(rows)) throw new Failure(1, `the server answered no ${schema.plural}`);
  return rows.filter(isFields);
}

export function resourcePath(schema: ClientSchema, id: string): string {
  return `${schema.url}/${encodeURIComponent(id)}`;
}
