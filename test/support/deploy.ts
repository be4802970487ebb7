import type { Gateway } from './gateway.ts';

export interface Deployment {
  /** URLs of a service of the same name; without them the route has none. */
  readonly urls?: readonly string[];
  readonly service?: Readonly<Record<string, unknown>>;
  /** Source of the route's entry module, which has the deployment's name. */
  readonly source?: string;
  /** Further modules by name, importable by the entry; put before it. */
  readonly libraries?: Readonly<Record<string, string>>;
  readonly moduleType?: 'typescript' | 'javascript';
  /** Fields of the route that differ: by default it serves `/<name>` and `/<name>/*` with every method. */
  readonly route?: Readonly<Record<string, unknown>>;
  readonly namespace?: string;
}

/** Puts what a route needs and the route itself, all called `name`; gives the URL of `/<name>`. Throws when one is refused. */
export async function deploy(gateway: Gateway, name: string, parts: Deployment): Promise<string> {
  const namespace = parts.namespace ?? 'default';
  if (parts.urls !== undefined) await gateway.put('service', { name, namespace, urls: parts.urls, retries: 0, ...parts.service });
  const libraries = Object.entries(parts.libraries ?? {});
  for (const [library, source] of libraries) await putModule(gateway, library, source, { namespace });
  const type = parts.moduleType === undefined ? {} : { moduleType: parts.moduleType };
  if (parts.source !== undefined) await putModule(gateway, name, parts.source, { namespace, ...type });
  const modules = parts.source === undefined ? [] : [name, ...libraries.map(([library]) => library)];
  await gateway.put('route', {
    name,
    namespace,
    paths: [`/${name}`, `/${name}/*`],
    methods: ['*'],
    ...(parts.urls !== undefined && { service: name }),
    ...(modules.length > 0 && { modules }),
    ...parts.route,
  });
  return `${gateway.proxyUrl}/${name}`;
}

/** Puts a module; `source` is plain text. */
export async function putModule(
  gateway: Gateway,
  name: string,
  source: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await gateway.put('module', { name, payload: Buffer.from(source).toString('base64'), ...fields });
}
