import { readFileSync } from 'node:fs';
import type { Change, EntityTypes } from '../entity/types.ts';
import type { SectionValue } from './setting.ts';
import type { INIT_RESOURCES } from './settings-init.ts';

/** A document as configured; the store sets its times. */
interface InitDocument {
  readonly namespace: string;
  readonly collection: string;
  readonly id: string;
  readonly data: unknown;
}

/** The entities of `proxy.init_resources`, in an order in which each one only refers to earlier ones. Shapes are checked, references and contents are not. */
export interface InitResources {
  readonly changes: readonly Change[];
  readonly documents: readonly InitDocument[];
  /** `file:line:column` of each entity, by `toInitKey`. */
  readonly places: ReadonlyMap<string, string>;
  /** Absolute path of every file that was read, with the keys of the entities that came from it: what to watch. */
  readonly files: ReadonlyMap<string, readonly string[]>;
}

/** The key of an entity in `places` and `files`: `kind/namespace/name`; `namespace/name` for a namespace, `document/namespace/collection/id` for a document. */
export function toInitKey(kind: keyof EntityTypes | 'document', ...names: readonly string[]): string {
  return [kind, ...names].join('/');
}

/** The namespace that an item names, under either spelling. */
export function namespaceOf(item: Readonly<Record<string, unknown>>): string | undefined {
  return [item['namespace'], item['namespacename']].find((name): name is string => typeof name === 'string' && name !== '');
}

type Init = SectionValue<typeof INIT_RESOURCES>;

/**
 * The changes of a section that was checked without complaint; `placeOf` tells where a key path stands. Reads the files it names and throws what `node:fs` throws
 * when one of them went away meanwhile.
 */
export function toInitResources(init: Init, placeOf: (path: string) => string): InitResources {
  const places = new Map<string, string>();
  const files = new Map<string, readonly string[]>();
  const changes: Change[] = [];
  const put = <K extends keyof EntityTypes>(kind: K, plural: keyof Init, index: number, entity: EntityTypes[K]): string => {
    const key = 'namespace' in entity ? toInitKey(kind, entity.namespace, entity.name) : toInitKey(kind, entity.name);
    places.set(key, placeOf(`proxy.init_resources.${plural}[${index}]`));
    // The union of changes is by kind, which TypeScript cannot follow through K.
    changes.push({ op: 'put', kind, entity } as Change);
    return key;
  };
  const readFor = (key: string, path: string): string => {
    files.set(path, [...(files.get(path) ?? []), key]);
    return readFileSync(path, 'utf8');
  };
  const fileText = (
    kind: 'module' | 'domain',
    item: Owned & { readonly name: string },
    text: string | undefined,
    file: string | undefined,
  ): string | undefined => (file === undefined ? text : readFor(toInitKey(kind, owner(item), item.name), file));

  for (const [i, item] of init.namespaces.entries()) put('namespace', 'namespaces', i, item);
  for (const [i, { payload, payloadFile, ...rest }] of init.modules.entries()) {
    const source = fileText('module', rest, payload, payloadFile) ?? '';
    put('module', 'modules', i, { ...owned(rest), payload: Buffer.from(source).toString('base64') });
  }
  for (const [i, item] of init.services.entries()) put('service', 'services', i, owned(item));
  for (const [i, item] of init.collections.entries()) put('collection', 'collections', i, owned(item));
  for (const [i, item] of init.secrets.entries()) put('secret', 'secrets', i, owned(item));
  for (const [i, { cert, certFile, key, keyFile, ...rest }] of init.domains.entries()) {
    const certText = fileText('domain', rest, cert, certFile);
    const keyText = fileText('domain', rest, key, keyFile);
    put('domain', 'domains', i, {
      ...owned(rest),
      ...(certText !== undefined && { cert: certText }),
      ...(keyText !== undefined && { key: keyText }),
    });
  }
  for (const [i, item] of init.routes.entries()) put('route', 'routes', i, owned(item));
  const documents = init.documents.map((item, i) => {
    const document = { namespace: owner(item), collection: item.collection ?? item.collectionname ?? '', id: item.id, data: item.data };
    places.set(
      toInitKey('document', document.namespace, document.collection, document.id),
      placeOf(`proxy.init_resources.documents[${i}]`),
    );
    return document;
  });
  return { changes, documents, places, files };
}

interface Owned {
  readonly namespace?: string;
  readonly namespacename?: string;
}

function owner(item: Owned): string {
  return namespaceOf({ ...item }) ?? 'default';
}

/** The entity of an item: its namespace under the one name, and filled in. */
function owned<T extends Owned>(item: T): Omit<T, keyof Owned> & { readonly namespace: string } {
  const { namespace: _, namespacename: __, ...rest } = item;
  return { ...rest, namespace: owner(item) };
}
