import type { Draft } from './draft.ts';
import { namespaceOf } from './init-resources.ts';
import type { Problems } from './problems.ts';
import type { SectionValue } from './setting.ts';
import type { INIT_RESOURCES } from './settings-init.ts';

type DraftOfInit = Draft<SectionValue<typeof INIT_RESOURCES>>;

const KINDS = ['namespaces', 'services', 'routes', 'modules', 'domains', 'collections', 'documents', 'secrets'] as const;

/** Reports what is wrong with the shape of `proxy.init_resources` beyond types; whether references exist is not looked at. */
export function checkInitResources(init: DraftOfInit, needsNamespace: boolean, problems: Problems): void {
  if (!init) return;
  const root = 'proxy.init_resources';
  for (const kind of KINDS) checkNames(kind, init, needsNamespace, problems);
  for (const [i, item] of (init.modules ?? []).entries()) {
    checkOneOf(`${root}.modules[${i}]`, { payload: item?.payload, payload_file: item?.payloadFile }, 'always', problems);
  }
  for (const [i, item] of (init.domains ?? []).entries()) {
    const path = `${root}.domains[${i}]`;
    const hasCert = item?.cert !== undefined || item?.certFile !== undefined;
    const hasKey = item?.key !== undefined || item?.keyFile !== undefined;
    checkOneOf(path, { cert: item?.cert, cert_file: item?.certFile }, 'at most', problems);
    checkOneOf(path, { key: item?.key, key_file: item?.keyFile }, 'at most', problems);
    if (hasCert !== hasKey)
      problems.report(path, `has a ${hasCert ? 'certificate but no key' : 'key but no certificate'}; expected both or neither`);
  }
  for (const [i, item] of (init.documents ?? []).entries()) {
    const path = `${root}.documents[${i}]`;
    if (item?.collection === undefined && item?.collectionname === undefined)
      problems.report(`${path}.collection`, 'is missing; expected the name of a collection');
    if (item && item.data === undefined) problems.report(`${path}.data`, 'is missing; expected the value of the document');
  }
}

function checkNames(kind: (typeof KINDS)[number], init: NonNullable<DraftOfInit>, needsNamespace: boolean, problems: Problems): void {
  const seen = new Map<string, string>();
  const items: readonly (Readonly<Record<string, unknown>> | undefined)[] = init[kind] ?? [];
  for (const [i, item] of items.entries()) {
    if (!item) continue;
    const path = `proxy.init_resources.${kind}[${i}]`;
    const name = item['name'] ?? item['id'];
    const namespace = namespaceOf(item);
    const isOwned = kind !== 'namespaces';
    if (isOwned && needsNamespace && namespace === undefined)
      problems.report(`${path}.namespace`, 'is missing; expected a namespace, because `disable_default_namespace` is true');
    if (name === undefined) continue;
    const key = JSON.stringify([isOwned ? (namespace ?? 'default') : '', item['collection'] ?? item['collectionname'], name]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, problems.placeOf(path));
    else
      problems.report(
        path,
        `found another one of the ${kind} with the name ${JSON.stringify(name)}${isOwned ? ` in namespace ${JSON.stringify(namespace ?? 'default')}` : ''}; the first is at ${first}`,
      );
  }
}

/** Of two spellings of one thing, one may be written (`always`: has to be). */
function checkOneOf(path: string, keys: Readonly<Record<string, unknown>>, mode: 'always' | 'at most', problems: Problems): void {
  const given = Object.keys(keys).filter((key) => keys[key] !== undefined);
  const names = Object.keys(keys)
    .map((key) => `\`${key}\``)
    .join(' and ');
  if (given.length > 1) problems.report(`${path}.${given[1]}`, `only one of ${names} can be set`);
  // A key that is written but wrong was reported already; it is not missing.
  if (given.length === 0 && mode === 'always' && !Object.keys(keys).some((key) => problems.isMarked(`${path}.${key}`))) {
    problems.report(path, `has neither of ${names}; expected exactly one`);
  }
}
