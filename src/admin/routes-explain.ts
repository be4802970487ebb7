import { SekishoError } from '../lib/errors.ts';
import { oneAnswer } from './answer.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { oneOf } from './schemas.ts';
import type { AdminOptions } from './types.ts';

/** The route that tells where a request would go. */
export const EXPLAIN_ROUTES: readonly AdminRoute[] = [
  {
    id: 'explain',
    method: 'GET',
    path: '/api/v1/explain',
    group: 'state',
    summary: 'Tells which domain, namespace and route a request would match, and why the others do not',
    query: [
      { name: 'host', type: 'string', doc: 'Host of the request; empty when absent.' },
      { name: 'method', type: 'string', doc: 'Method; GET when absent.' },
      { name: 'path', type: 'string', doc: 'Path, beginning with `/`; required.' },
    ],
    responses: { 200: { doc: 'The decision, step by step.', schema: oneOf({ type: 'object' }) } },
    handle: explain,
  },
];

async function explain(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const { host, method, path } = request.query;
  if (typeof path !== 'string' || !path.startsWith('/')) throw new SekishoError('ADMIN_BAD_REQUEST', 'path is required and begins with /');
  if (options.explain === undefined) throw new SekishoError('ADMIN_NOT_FOUND', 'This gateway runs no proxy that could explain.');
  return oneAnswer(
    await options.explain({ host: String(host ?? ''), method: String(method ?? 'GET').toUpperCase(), path }),
    options.state.revision(),
  );
}
