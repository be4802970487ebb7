import { type InitResources, toInitKey } from '../config/init-resources.ts';
import { EntityError } from '../entity/entity-error.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { Registry } from '../store/registry.ts';
import { createFileWatch } from './watch-files.ts';

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
  /** Serves these in place of those before. Rejects when they do not build; those before are served on. */
  replace(next: InitResources | undefined): Promise<void>;
  close(): void;
}

/**
 * Sees to the entities of `proxy.init_resources`, which are served beneath those of the store: at the start they have to build without exception
 * (ENTITY_INVALID with their places in the file), and while the gateway runs their files are followed.
 */
export async function createBaseLayer(options: BaseLayerOptions): Promise<BaseLayer> {
  const { first } = options;
  if (first !== undefined) await apply(first, options);
  let served = first && fingerprint(first);
  const replace = async (next: InitResources | undefined): Promise<void> => {
    if ((next && fingerprint(next)) === served) return;
    await apply(next ?? NOTHING, options);
    served = next && fingerprint(next);
  };
  if (!options.watchFiles || first === undefined) return { replace, close: () => undefined };
  const follow = (init: InitResources): void =>
    files.follow([...init.files.keys(), ...(options.configPath === undefined ? [] : [options.configPath])]);
  const files = createFileWatch(async () => {
    try {
      const next = options.reload();
      if (next === undefined || fingerprint(next) === served) return;
      follow(next);
      await replace(next);
    } catch (error) {
      observe({ type: 'error', error: toSekishoError(error), where: 'watched files (the last good version serves on)' });
    }
  });
  follow(first);
  return { replace, close: () => files.close() };
}

const NOTHING: InitResources = { changes: [], documents: [], places: new Map(), files: new Map() };

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
