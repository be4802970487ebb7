import { type InitResources, toInitKey } from '../config/init-resources.ts';
import { toEntityId } from '../entity/entity-key.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import type { Change } from '../entity/types.ts';
import { type FieldError, SekishoError } from '../lib/errors.ts';

/** `init` itself, when its entities have the form that the admin API asks of them; else ENTITY_INVALID with every problem and its place in the file. */
export function checkedInit(init: InitResources | undefined): InitResources | undefined {
  const errors = init === undefined ? [] : init.changes.flatMap((change) => findProblems(change, init));
  if (errors.length === 0) return init;
  const count = errors.length === 1 ? 'a problem' : `${errors.length} problems`;
  throw new SekishoError('ENTITY_INVALID', `proxy.init_resources has ${count}`, { errors });
}

function findProblems(change: Change, { places }: InitResources): readonly FieldError[] {
  if (change.op === 'delete') return [];
  try {
    parseEntity(change.kind, change.entity);
    return [];
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    const { kind, namespace, name } = toEntityId(change);
    const key = kind === 'namespace' ? toInitKey(kind, name) : toInitKey(kind, namespace, name);
    return error.errors.map(({ pointer, detail }) => ({ pointer: `${places.get(key) ?? key} ${key}${pointer}`, detail }));
  }
}
