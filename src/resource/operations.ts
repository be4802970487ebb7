import { SekishoError } from '../lib/errors.ts';
import type { OPERATION_EVENTS } from './events.ts';
import { create } from './operation-create.ts';
import { remove } from './operation-delete.ts';
import { list } from './operation-list.ts';
import { show } from './operation-show.ts';
import { patch, put } from './operation-update.ts';
import type { Target } from './router.ts';
import type { Answer, Call } from './types.ts';

/** What a method does with what a path names. */
interface Operation {
  /** As it is told to people. */
  readonly name: string;
  /** Those whose events it may run, as `OPERATION_EVENTS` names them. */
  readonly parts: readonly (keyof typeof OPERATION_EVENTS)[];
  run(call: Call): Promise<Answer>;
}

type Operations = Readonly<Record<string, Operation>>;

const LIST: Operation = { name: 'list', parts: ['list'], run: list };
const SHOW: Operation = { name: 'show', parts: ['show'], run: show };
const COLLECTION: Operations = { GET: LIST, HEAD: LIST, POST: { name: 'create', parts: ['create'], run: create } };
const ITEM: Operations = {
  GET: SHOW,
  HEAD: SHOW,
  PUT: { name: 'update or create', parts: ['update', 'create'], run: put },
  PATCH: { name: 'update', parts: ['update'], run: patch },
  DELETE: { name: 'delete', parts: ['delete'], run: remove },
};
const META_METHODS = ['GET', 'HEAD'];

/** The operation of a method on a resource path; undefined when it has none. */
export function operationOf(target: Target & { readonly kind: 'resource' }, method: string): Operation | undefined {
  const operations = operationsOf(target);
  return Object.hasOwn(operations, method) ? operations[method] : undefined;
}

/** Whether what a path names can be read by the method; only reading is possible where no table is behind it. */
export function isMetaMethod(method: string): boolean {
  return META_METHODS.includes(method);
}

/** The methods of a path, as the `Allow` field lists them. */
export function allowOf(target: Target): string {
  return [...methodsOf(target), 'OPTIONS'].join(', ');
}

/** The refusal of a method that a path does not have. */
export function wrongMethod(path: string, method: string, target: Target): SekishoError {
  return new SekishoError('RESOURCE_METHOD', `${path} has ${allowOf(target)}, not ${method}.`);
}

function operationsOf(target: Target & { readonly kind: 'resource' }): Operations {
  return target.id === undefined ? COLLECTION : ITEM;
}

function methodsOf(target: Target): readonly string[] {
  if (target.kind === 'meta') return META_METHODS;
  return target.kind === 'action' ? target.methods : [...Object.keys(operationsOf(target)), ...(target.actionMethods ?? [])];
}
