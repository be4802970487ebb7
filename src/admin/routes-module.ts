import { SekishoError } from '../lib/errors.ts';
import { listAnswer, oneAnswer } from './answer.ts';
import { bodyField } from './namespace-choice.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { INTEGER, listOf, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions } from './types.ts';

/** The routes that show and free what runs in module threads. */
export const MODULE_ROUTES: readonly AdminRoute[] = [
  {
    id: 'module_status',
    method: 'GET',
    path: '/api/v1/modules/status',
    group: 'modules',
    summary: 'Lists the loaded programs: state, calls, kills, memory',
    query: [],
    responses: { 200: { doc: 'One entry per program.', schema: listOf({ type: 'object' }) } },
    handle: async (_request, options) => listAnswer((await options.modules?.status()) ?? [], undefined),
  },
  {
    id: 'module_release',
    method: 'POST',
    path: '/api/v1/modules/release',
    group: 'modules',
    summary: 'Lifts the quarantine of a program, or of all programs of a module',
    query: [],
    body: {
      doc: 'The `key` of a program, or `namespace` and `module`.',
      schema: { type: 'object', properties: { key: STRING, namespace: STRING, module: STRING }, additionalProperties: false },
      required: true,
    },
    responses: { 200: { doc: 'How many programs were released.', schema: oneOf(objectOf({ released: INTEGER })) } },
    handle: release,
  },
];

async function release(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const key = bodyField(request.body, 'key');
  const module = bodyField(request.body, 'module');
  const namespace = bodyField(request.body, 'namespace') ?? 'default';
  if (typeof key !== 'string' && typeof module !== 'string')
    throw new SekishoError('ADMIN_BAD_REQUEST', 'key, or namespace and module, are required; /api/v1/modules/status lists them');
  const programs = (await options.modules?.status()) ?? [];
  const wanted = programs.filter((program) =>
    typeof key === 'string' ? program.key === key : program.module === module && program.namespace === namespace,
  );
  if (wanted.length === 0) throw new SekishoError('ENTITY_NOT_FOUND', 'no such program; /api/v1/modules/status lists them');
  const released = await Promise.all(wanted.map(async (program) => (await options.modules?.release(program.key)) === true));
  return oneAnswer({ released: released.filter(Boolean).length });
}
