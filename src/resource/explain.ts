import { allowOf, isMetaMethod, operationOf } from './operations.ts';
import type { Target } from './router.ts';

/** What the REST API would do with a request. */
export interface ResourceVerdict {
  /** Absent for what is of no schema: the version, the schemas themselves. */
  readonly schema: string | undefined;
  /** Undefined when the path does not have the method. */
  readonly operation: string | undefined;
  readonly pattern: string;
  readonly params: Readonly<Record<string, string>>;
  /** In one line, as the proxy tells it. */
  readonly outcome: string;
}

/** Tells which schema and operation have a path and method. Who asks is not asked: policies may still refuse. */
export function explainTarget(target: Target, method: string): ResourceVerdict {
  const { pattern } = target;
  const refused = `405 RESOURCE_METHOD (allowed: ${allowOf(target)})`;
  if (target.kind === 'meta') {
    const operation = isMetaMethod(method) || method === 'OPTIONS' ? target.name : undefined;
    const params = target.id === undefined || target.name === 'group' ? {} : { id: target.id };
    return { schema: undefined, operation, pattern, params, outcome: operation === undefined ? refused : `the API's own "${operation}"` };
  }
  const { type, id, ancestorIds } = target;
  const operation = method === 'OPTIONS' ? 'options' : nameOf(target, method);
  return {
    schema: type.id,
    operation,
    pattern,
    params: {
      ...Object.fromEntries(ancestorIds.map((ancestor, at) => [type.ancestors[at]?.schemaId ?? '', ancestor])),
      ...(target.kind === 'action' ? target.params : id !== undefined && { id }),
    },
    outcome: operation === undefined ? refused : `schema "${type.id}": ${operation}`,
  };
}

/** `OPTIONS` of a path that nothing else is at. */
export const NOWHERE: ResourceVerdict = {
  schema: undefined,
  operation: 'options',
  pattern: '',
  params: {},
  outcome: '200 (OPTIONS is answered on every path of the API)',
};

function nameOf(target: Exclude<Target, { readonly kind: 'meta' }>, method: string): string | undefined {
  if (target.kind === 'resource') return operationOf(target, method)?.name;
  return target.action && `action ${target.action.id}`;
}
