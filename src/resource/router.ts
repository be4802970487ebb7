import type { Action, ResourceType, SchemaSet } from '../schema/types.ts';
import { type ActionMatch, type ActionRoutes, compileActions } from './action-routes.ts';

/** What a path of the REST API names. Ids are decoded. */
export type Target =
  | {
      readonly kind: 'resource';
      readonly type: ResourceType;
      readonly id: string | undefined;
      readonly ancestorIds: readonly string[];
      readonly pattern: string;
      /** Methods of own actions at this path. */
      readonly actionMethods?: readonly string[];
    }
  | {
      readonly kind: 'action';
      readonly type: ResourceType;
      /** Undefined when none has the method. */
      readonly action: Action | undefined;
      readonly id: string | undefined;
      readonly ancestorIds: readonly string[];
      readonly params: Readonly<Record<string, string>>;
      readonly pattern: string;
      /** All that the path has. */
      readonly methods: readonly string[];
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
  readonly actions: ActionRoutes | undefined;
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
  let maxSegments = 0;
  for (const [path, name] of Object.entries(META)) meta.set(path, { name, id: undefined });
  for (const group of schemas.groups) {
    meta.set(group.fullPrefix, { name: 'group', id: group.id });
  }
  for (const type of schemas.resources.values()) {
    const actions = compileActions(type);
    maxSegments = Math.max(maxSegments, actions?.maxSegments ?? 0);
    const collection = { type, actions, pattern: type.longUrl, itemPattern: `${type.longUrl}/{id}` };
    if (!collections.has(type.url)) collections.set(type.url, { ...collection, pattern: type.url, itemPattern: `${type.url}/{id}` });
    if (type.longUrl !== type.url) addLong(long, collection);
  }

  const matchResource = (path: string, method: string): Target | undefined => {
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
    const place = matchLong(long, path);
    return place && toTarget(place.collection, place.id, place.ancestorIds);
  };

  /** Own actions below the collection that the path begins with. */
  const matchActions = (path: string): (Place & { readonly match: ActionMatch }) | undefined => {
    const rest: string[] = [];
    for (let base = path; rest.length <= maxSegments && base !== ''; ) {
      const short = collections.get(base);
      const place = short === undefined ? matchLong(long, base) : { collection: short, id: undefined, ancestorIds: [] };
      const match = place?.id === undefined ? place?.collection.actions?.match(rest) : undefined;
      if (place !== undefined && match !== undefined) return { ...place, match };
      const slash = base.lastIndexOf('/');
      const segment = decode(base.slice(slash + 1));
      if (segment === undefined) return undefined;
      rest.unshift(segment);
      base = base.slice(0, slash);
    }
    return undefined;
  };

  return {
    match(given, method = 'GET') {
      const path = normalize(given);
      const found = matchResource(path, method);
      if (maxSegments === 0 || found?.kind === 'meta') return found;
      const own = matchActions(path);
      return own === undefined ? found : chooseAction(found, own, method);
    },
  };
}

/** Where a path leads: a collection, or a resource of it. */
interface Place {
  readonly collection: Collection;
  readonly id: string | undefined;
  readonly ancestorIds: readonly string[];
}

/** What every resource of a type has, and every collection. */
const OWN_METHODS = { collection: ['GET', 'HEAD', 'POST'], item: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'] } as const;

/**
 * An action whose path is literal wins over the resource that has its name for an id (Gohan never reached it); else an action has the methods that the
 * resource leaves.
 */
function chooseAction(
  found: Target | undefined,
  { collection, ancestorIds, match }: Place & { readonly match: ActionMatch },
  method: string,
): Target {
  const methods = [...match.actions.keys()].flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  const action = match.actions.get(method) ?? (method === 'HEAD' ? match.actions.get('GET') : undefined);
  const isResource = found?.kind === 'resource';
  const own: readonly string[] = isResource ? OWN_METHODS[found.id === undefined ? 'collection' : 'item'] : [];
  const isAction = !isResource || (action !== undefined && ((match.isLiteral && found.id !== undefined) || !own.includes(method)));
  if (!isAction) return { ...found, actionMethods: methods.filter((name) => !own.includes(name)) };
  return {
    kind: 'action',
    type: collection.type,
    action,
    id: match.params['id'],
    ancestorIds,
    params: match.params,
    pattern: collection.pattern + match.pattern,
    methods: [...new Set([...own, ...methods])],
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

function matchLong(root: Step, path: string): Place | undefined {
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
  if (step.collection !== undefined) return { collection: step.collection, id: undefined, ancestorIds: ids };
  return owner === undefined ? undefined : { collection: owner, id: ids.at(-1), ancestorIds: ids.slice(0, -1) };
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
