/** A project or domain, as Keystone's lists have it. */
export interface KeystoneItem {
  readonly id: string;
  readonly name: string;
  readonly domain_id?: string;
  readonly enabled?: boolean;
}

/** The lists of a Keystone: GET /v3/projects and /v3/domains, with the paging of its newer versions. */
export interface KeystoneCollections {
  /** Changes what there is. */
  set(name: 'projects' | 'domains', items: readonly KeystoneItem[]): void;
  /** Items of an answer; more follow by `links.next`, or are cut off (`truncated`) as older versions do. */
  setPage(size: number, mode?: 'links' | 'truncated' | 'circle'): void;
  /** The body of an answer; undefined for paths that are no collection. */
  answer(url: URL): unknown;
}

export function createKeystoneCollections(): KeystoneCollections {
  const lists: Record<string, readonly KeystoneItem[]> = { projects: [], domains: [] };
  let size = Number.MAX_SAFE_INTEGER;
  let mode: 'links' | 'truncated' | 'circle' = 'links';
  return {
    set: (name, items) => void (lists[name] = items),
    setPage(wanted, how = 'links') {
      size = wanted;
      mode = how;
    },
    answer(url) {
      const name = url.pathname.replace('/v3/', '');
      const list = lists[name];
      if (list === undefined) return undefined;
      const wanted = url.searchParams.get('enabled');
      const found = list.filter(({ enabled = true }) => wanted === null || String(enabled) === wanted);
      const from = found.findIndex(({ id }) => id === url.searchParams.get('marker')) + 1;
      const page = found.slice(from, from + size);
      const hasMore = from + size < found.length;
      const marker = mode === 'circle' ? found[0]?.id : page.at(-1)?.id;
      // The public endpoint, which the gateway need not reach.
      const next = `https://keystone.public.example/v3/${name}?enabled=true&limit=${size}&marker=${marker}`;
      return {
        [name]: page.map((item) => ({
          enabled: true,
          ...(name === 'projects' && { domain_id: 'default' }),
          description: '',
          tags: [],
          ...item,
        })),
        links: {
          self: `https://keystone.public.example${url.pathname}`,
          previous: null,
          next: hasMore && mode !== 'truncated' ? next : null,
        },
        ...(hasMore && mode === 'truncated' && { truncated: true }),
      };
    },
  };
}
