import { SekishoError } from '../lib/errors.ts';
import type { AdminRequest } from './route.ts';
import type { AdminOptions } from './types.ts';

const DEFAULT = 'default';

/** The namespace that a request names in its body or query, else `default`; throws `ADMIN_BAD_REQUEST` when there is no default one. */
export function chooseNamespace(request: AdminRequest, options: AdminOptions): string {
  const name = givenNamespace(request) ?? defaultNamespace(options);
  if (name === undefined) throw new SekishoError('ADMIN_BAD_REQUEST', 'namespace is required');
  return name;
}

/** The namespace of bodies and queries that name none; `undefined` when it is disabled. */
export function defaultNamespace(options: AdminOptions): string | undefined {
  return options.disableDefaultNamespace ? undefined : DEFAULT;
}

/** The namespace that a request names; throws when body and query contradict each other. */
export function givenNamespace(request: AdminRequest): string | undefined {
  const inBody = textOf(bodyField(request.body, 'namespace'));
  const inQuery = textOf(request.query.namespace);
  if (inBody !== undefined && inQuery !== undefined && inBody !== inQuery) {
    throw new SekishoError(
      'ADMIN_BAD_REQUEST',
      `the body names the namespace ${JSON.stringify(inBody)}, the query ${JSON.stringify(inQuery)}`,
    );
  }
  return inBody ?? inQuery;
}

/** A field of a JSON object; `undefined` of anything else. */
export function bodyField(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** A text that says something. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
