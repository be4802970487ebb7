import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type InitResources, toInitKey } from '../config/init-resources.ts';
import { EntityError } from '../entity/entity-error.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { Registry } from '../store/registry.ts';

export interface BaseLayerOptions {
  readonly first: InitResources | undefined;
  /** Reads the configuration again; throws CONFIG_* when it is wrong. */
  readonly reload: () => InitResources | undefined;
  /** The configuration file, when it is one. */
  readonly configPath: string | undefined;
  /** Follow the files (`proxy.watch_files`). */
  readonly watchFiles: boolean;
  readonly registry: Pick<Registry, 'setBase' | 'documents' | 'rejected'>;
}

export interface BaseLayer {
  close(): void;
}

/** Editors write a file in several steps; what comes within this time is one edit. */
const SETTLE_MS = 50;

/**
 * Sees to the entities of `proxy.init_resources`, which are served beneath those of the store: at the start they have to build without exception
 * (ENTITY_INVALID with their places in the file), and while the gateway runs their files are followed.
 */
export async function createBaseLayer(options: BaseLayerOptions): Promise<BaseLayer> {
  const { first } = options;
  if (first !== undefined) await apply(first, options);
  if (!options.watchFiles || first === undefined) return { close: () => undefined };
  let served = fingerprint(first);
  let watchers: readonly FSWatcher[] = [];
  let settle: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  const follow = (init: InitResources): void => {
    for (const watcher of watchers) watcher.close();
    watchers = watchFolders([...init.files.keys(), ...(options.configPath === undefined ? [] : [options.configPath])], () => {
      clearTimeout(settle);
      settle = setTimeout(() => {
        running = running.then(refresh);
      }, SETTLE_MS);
    });
  };
  const refresh = async (): Promise<void> => {
    try {
      const next = options.reload();
      if (next === undefined || fingerprint(next) === served) return;
      follow(next);
      await apply(next, options);
      served = fingerprint(next);
    } catch (error) {
      observe({ type: 'error', error: toSekishoError(error), where: 'watched files (the last good version serves on)' });
    }
  };
  follow(first);
  return {
    close() {
      clearTimeout(settle);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Watches the folders, not the files: many editors write a new file and rename it over the old one. */
function watchFolders(paths: readonly string[], onChange: () => void): FSWatcher[] {
  const names = new Map<string, Set<string>>();
  for (const path of paths) names.set(dirname(path), (names.get(dirname(path)) ?? new Set()).add(basename(path)));
  return [...names].map(([folder, wanted]) =>
    watch(folder, (_event, name) => {
      if (name === null || wanted.has(name)) onChange();
    }).on('error', (cause) => observe({ type: 'warning', text: `${folder} can no longer be watched: ${cause.message}` })),
  );
}

async function apply(init: InitResources, { registry }: BaseLayerOptions): Promise<void> {
  await registry.setBase(init.changes).catch((error: unknown) => Promise.reject(withPlace(error, toEntityPlace(error, init))));
  for (const { namespace, collection, id, data } of init.documents) {
    const place = init.places.get(toInitKey('document', namespace, collection, id));
    await registry.documents.put(namespace, collection, id, data).catch((error: unknown) => Promise.reject(withPlace(error, place)));
  }
}

/** Says where in the configuration the entity stands that an error is about. */
function withPlace(error: unknown, place: string | undefined): SekishoError {
  const known = toSekishoError(error);
  if (place === undefined) return known;
  return new SekishoError(known.code, `${place}: ${known.message}`, { errors: known.errors, cause: error });
}

function toEntityPlace(error: unknown, { places }: InitResources): string | undefined {
  const entity = [error, error instanceof Error && error.cause].find((each) => each instanceof EntityError)?.entity;
  if (entity === undefined) return undefined;
  const { kind, namespace, name } = entity;
  return places.get(kind === 'namespace' ? toInitKey(kind, name) : toInitKey(kind, namespace, name));
}

function fingerprint(init: InitResources): string {
  return JSON.stringify([init.changes, init.documents]);
}
