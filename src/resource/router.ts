import type { ResourceType, SchemaSet } from '../schema/types.ts';

/** What a path of the REST API names. Ids are decoded. */
export type Target =
  | {
      readonly kind: 'resource';
      readonly type: ResourceType;
      readonly id: string | undefined;
      readonly ancestorIds: readonly string[];
      readonly pattern: string;
    }
  | { readonly kind: 'meta'; readonly name: string; readonly id: string | undefined; readonly pattern: string };

export interface Router {
  /** Undefined when no schema has the path. `path` is percent-encoded. What is read from memory can be a table that is written. */
  match(path: string, method?: string): Target | undefined;
}

const SCHEMAS = '/gohan/v0.1/schemas';

/** Names of the fixed paths; those of schema groups are added to them. */
const META: Readonly<Record<string, string>> = {
  [SCHEMAS]: 'schemas',
  '/gohan/v0.1/version': 'version',
  '/_all': 'all',
  '/openapi.json': 'openapi',
};

interface Collection {
  readonly type: ResourceType;
  readonly pattern: string;
  readonly itemPattern: string;
}

/** A node of the long paths: they alternate between the plural of an ancestor and an id. */
interface Step {
  readonly next: Map<string, Step>;
  id: Step | undefined;
  collection: Collection | undefined;
}

/** Short paths are found by one look into a map; only the long paths of children need a walk. */
export function compileRouter(schemas: SchemaSet): Router {
  const collections = new Map<string, Collection>();
  const meta = new Map<string, { readonly name: string; readonly id: string | undefined }>();
  const long = createStep();
  for (const [path, name] of Object.entries(META)) meta.set(path, { name, id: undefined });
  for (const group of schemas.groups) {
    meta.set(group.fullPrefix, { name: 'group', id: group.id });
  }
  for (const type of schemas.resources.values()) {
    const collection = { type, pattern: type.longUrl, itemPattern: `${type.longUrl}/{id}` };
    if (!collections.has(type.url)) collections.set(type.url, { ...collection, pattern: type.url, itemPattern: `${type.url}/{id}` });
    if (type.longUrl !== type.url) addLong(long, collection);
  }

  return {
    match(given, method = 'GET') {
      const path = normalize(given);
      const isRead = method === 'GET' || method === 'HEAD';
      const found = isRead || !collections.has(path) ? meta.get(path) : undefined;
      if (found !== undefined) return { kind: 'meta', ...found, pattern: path };
      const collection = collections.get(path);
      if (collection !== undefined) return toTarget(collection, undefined, []);
      const slash = path.lastIndexOf('/');
      const parent = path.slice(0, slash);
      if (slash > 0 && slash < path.length - 1) {
        const id = decode(path.slice(slash + 1));
        const owner = isRead && parent === SCHEMAS ? undefined : collections.get(parent);
        if (owner !== undefined) return id === undefined ? undefined : toTarget(owner, id, []);
        if (parent === SCHEMAS) return { kind: 'meta', name: 'schema', id, pattern: `${SCHEMAS}/{id}` };
      }
      return matchLong(long, path);
    },
  };
}

/** Without a trailing slash, and without `.json` except where a name may really end so (Gohan's own paths). */
function normalize(path: string): string {
  let end = path.length;
  while (end > 1 && path.charCodeAt(end - 1) === 0x2f) end -= 1;
  const cut = end === path.length ? path : path.slice(0, end);
  if (!cut.endsWith('.json') || META[cut] !== undefined || cut.includes('gohan') || cut.includes('webui')) return cut;
  return cut.slice(0, -5);
}

function createStep(): Step {
  return { next: new Map(), id: undefined, collection: undefined };
}

function addLong(root: Step, collection: Collection): void {
  let step = root;
  for (const part of collection.pattern.slice(1).split('/')) {
    if (/^\{.*\}$/.test(part)) step = step.id ??= createStep();
    else {
      let next = step.next.get(part);
      if (next === undefined) step.next.set(part, (next = createStep()));
      step = next;
    }
  }
  step.collection ??= collection;
}

function matchLong(root: Step, path: string): Target | undefined {
  const ids: string[] = [];
  let step: Step = root;
  let owner: Collection | undefined;
  for (const part of path.slice(1).split('/')) {
    const named = step.next.get(part);
    if (named !== undefined) {
      step = named;
      owner = undefined;
      continue;
    }
    const id = decode(part);
    if (id === undefined || owner !== undefined) return undefined;
    owner = step.collection;
    ids.push(id);
    if (step.id === undefined && owner === undefined) return undefined;
    step = step.id ?? NOWHERE;
  }
  if (step.collection !== undefined) return toTarget(step.collection, undefined, ids);
  return owner === undefined ? undefined : toTarget(owner, ids.at(-1), ids.slice(0, -1));
}

const NOWHERE: Step = createStep();

function toTarget(collection: Collection, id: string | undefined, ancestorIds: readonly string[]): Target {
  const { type, pattern, itemPattern } = collection;
  return { kind: 'resource', type, id, ancestorIds, pattern: id === undefined ? pattern : itemPattern };
}

function decode(segment: string): string | undefined {
  if (segment === '') return undefined;
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
