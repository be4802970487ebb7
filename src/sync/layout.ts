import { toPlainUrl, toResourcePath } from '../schema/resource-path.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import type { Resource } from '../sql/types.ts';
import { compileKeyTemplate } from './key-template.ts';
import { CONFIG_PREFIX } from './names.ts';

/** Where the resources of one type stand in etcd. */
export interface TypeLayout {
  readonly type: ResourceType;
  /** What stands before the path of its configuration: `/config`, or nothing. */
  readonly configPrefix: string;
  /** Every path of the type begins with this. */
  readonly pathPrefix: string;
  /** Its keys, as a template. */
  readonly pattern: string;
  readonly isPlain: boolean;
  /** The only property that is sent; empty for all. */
  readonly property: string;
  /** The path of a resource, which its keys end with. */
  pathOf(resource: Resource): string;
  /** The values that properties may have in the resource of a path; undefined when it is none of this type. */
  match(path: string): Readonly<Record<string, readonly string[]>> | undefined;
}

/** Where everything of one set of schemas stands in etcd. */
export interface SyncLayout {
  /** Types whose changes are delivered. */
  readonly types: readonly TypeLayout[];
  /** Where types stand that have no template and are delivered: of all types, also of those that have one now, or are `nosync`. */
  readonly usual: readonly { readonly pattern: string; readonly type: ResourceType }[];
  /** Path and key of an event. One of a schema that is not there any more stands under its URL. */
  placeOf(event: { readonly path: string; readonly body: string }): { readonly path: string; readonly key: string };
  /** Whether a type has such keys. */
  hasKey(key: string): boolean;
  /** The type of a path that a worker reports about. */
  typeOf(path: string): TypeLayout | undefined;
}

const layouts = new WeakMap<SchemaSet, SyncLayout>();

/** The layout of a set; compiled once. */
export function layoutOf(schemas: SchemaSet): SyncLayout {
  let layout = layouts.get(schemas);
  if (layout === undefined) layouts.set(schemas, (layout = compileLayout(schemas)));
  return layout;
}

function compileLayout(schemas: SchemaSet): SyncLayout {
  const own = [...schemas.resources.values()].filter(({ isMeta }) => !isMeta);
  const types = own.filter(({ noSync }) => !noSync).map(toTypeLayout);
  const byUrl = new Map(types.map((layout) => [toPlainUrl(layout.type), layout]));
  const templated = types.filter(({ type }) => hasTemplate(type));
  return {
    types,
    usual: own.map((type) => ({ type, pattern: `${CONFIG_PREFIX}${toPlainUrl(type)}/{{id}}` })),
    placeOf({ path, body }) {
      const layout = byUrl.get(collectionOf(path));
      if (layout === undefined) return { path, key: CONFIG_PREFIX + path };
      const place = hasTemplate(layout.type) ? layout.pathOf(JSON.parse(body) as Resource) : path;
      return { path: place, key: layout.configPrefix + place };
    },
    hasKey: (key) =>
      types.some(({ configPrefix, match }) => key.startsWith(configPrefix) && match(key.slice(configPrefix.length)) !== undefined),
    typeOf: (path) => byUrl.get(collectionOf(path)) ?? templated.find((layout) => layout.match(path) !== undefined),
  };
}

function collectionOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function hasTemplate({ metadata }: ResourceType): boolean {
  return typeof metadata['sync_key_template'] === 'string' && metadata['sync_key_template'] !== '';
}

function toTypeLayout(type: ResourceType): TypeLayout {
  const { metadata } = type;
  const shared = {
    type,
    configPrefix: metadata['sync_skip_config_prefix'] === true ? '' : CONFIG_PREFIX,
    isPlain: metadata['sync_plain'] === true,
    property: typeof metadata['sync_property'] === 'string' ? metadata['sync_property'] : '',
  };
  if (hasTemplate(type)) {
    const text = String(metadata['sync_key_template']);
    const template = compileKeyTemplate(text);
    const match: TypeLayout['match'] = (path) => {
      const values = template.match(path);
      return values && Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
    };
    return {
      ...shared,
      pathPrefix: template.prefix,
      pattern: shared.configPrefix + text,
      pathOf: (resource) => template.render(resource),
      match,
    };
  }
  const pathPrefix = `${toPlainUrl(type)}/`;
  return {
    ...shared,
    pathPrefix,
    pattern: `${shared.configPrefix}${pathPrefix}{{id}}`,
    pathOf: (resource) => toResourcePath(type, String(resource['id'])),
    match(path) {
      const id = path.slice(pathPrefix.length);
      if (!path.startsWith(pathPrefix) || id === '' || id.includes('/')) return undefined;
      // A slash in an id is written %2F, and so is an id that has that itself.
      return { id: id.includes('%2F') ? [id, id.replaceAll('%2F', '/')] : [id] };
    },
  };
}
