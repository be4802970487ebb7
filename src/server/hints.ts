import type { Route } from '../entity/types.ts';

export interface HintSources {
  readonly proxyUrl: string;
  readonly adminUrl: string | undefined;
  readonly routes: Iterable<Route>;
  /** A collection of the data models, and whether everybody may list it. */
  readonly collection?: { readonly path: string; readonly isOpen: boolean } | undefined;
}

const MAX_ROUTES = 2;
const SAMPLES: Readonly<Record<string, string>> = { name: 'ann', id: '1' };

/** Commands to try against a gateway that somebody is trying out: one for each of its first routes, one for a data model, and one for the admin API. */
export function toHints({ proxyUrl, adminUrl, routes, collection }: HintSources): string[] {
  const hints: string[] = [];
  for (const { paths, methods } of routes) {
    const path = paths[0];
    if (hints.length === MAX_ROUTES) break;
    if (path === undefined || path.includes(':') || !(methods.includes('GET') || methods.includes('*'))) continue;
    const sample = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => SAMPLES[name] ?? name).replace(/\*$/, 'hello');
    hints.push(`curl -i ${proxyUrl}${sample}`);
  }
  if (collection !== undefined)
    hints.push(`curl ${proxyUrl}${collection.path}${collection.isOpen ? '' : " -H 'X-Auth-Token: admin_token'"}`);
  if (adminUrl !== undefined) hints.push(`curl ${adminUrl}/api/v1/route`);
  return hints;
}
