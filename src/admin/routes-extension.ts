import { SekishoError } from '../lib/errors.ts';
import { oneAnswer } from './answer.ts';
import { bodyField } from './namespace-choice.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { INTEGER, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions, ExtensionsView } from './types.ts';

const ROWS = { type: 'array', items: { type: 'object' } } as const;

/** The routes that show and free the extensions of schemas. */
export const EXTENSION_ROUTES: readonly AdminRoute[] = [
  {
    id: 'extension_status',
    method: 'GET',
    path: '/api/v1/extensions/status',
    group: 'extensions',
    summary: 'Shows the extensions of schemas, jobs and watched keys: what they handle, calls, failures, kills; and their threads',
    query: [],
    responses: {
      200: {
        doc: 'One entry per environment and one per thread; with workers of each of them, with its number.',
        schema: oneOf(objectOf({ environments: ROWS, threads: ROWS, waiting: INTEGER })),
      },
    },
    handle: async (_request, options) => oneAnswer(await statusOf(options)),
  },
  {
    id: 'extension_release',
    method: 'POST',
    path: '/api/v1/extensions/release',
    group: 'extensions',
    summary: 'Lifts the quarantine of the extensions of an environment',
    query: [],
    body: {
      doc: 'The `name` of the environment: the id of a schema, `cron://…`, `sync://…`.',
      schema: { type: 'object', properties: { name: STRING }, required: ['name'], additionalProperties: false },
      required: true,
    },
    responses: { 200: { doc: 'Whether it was in quarantine.', schema: oneOf(objectOf({ released: { type: 'boolean' } })) } },
    handle: release,
  },
];

async function statusOf({ extensions }: AdminOptions): Promise<ExtensionsView> {
  return (await extensions?.status()) ?? { environments: [], threads: [], waiting: 0 };
}

async function release(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const name = bodyField(request.body, 'name');
  if (typeof name !== 'string') throw new SekishoError('ADMIN_BAD_REQUEST', 'name is required; /api/v1/extensions/status lists them');
  const { environments } = await statusOf(options);
  if (environments.every((environment) => environment.name !== name))
    throw new SekishoError('ENTITY_NOT_FOUND', `no extensions of ${name}; /api/v1/extensions/status lists them`);
  return oneAnswer({ released: (await options.extensions?.release(name)) === true });
}
