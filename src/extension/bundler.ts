import { createHash } from 'node:crypto';
import { bundleExtension, folderOf } from './bundle-extension.ts';
import type { ExtensionCode } from './types.ts';

/** A module and what it imports as one script of CommonJS. */
export interface Bundle {
  readonly code: string;
  readonly sourceMap: string;
}

/** Bundles by what they were made from. Processes hand them on, so that all of them run the same, whatever is on the disk meanwhile. */
export type Bundles = ReadonlyMap<string, Bundle>;

/** Bundles the modules of one set of schemas, each once. */
export class Bundler {
  readonly npmPath: string | undefined;
  readonly #known: Bundles;
  readonly #made = new Map<string, Promise<Bundle>>();
  readonly #bundles = new Map<string, Bundle>();
  readonly #imports = new Set<string>();

  /** `known`: what another process has made, which is taken as it is. */
  constructor(npmPath: string | undefined, known: Bundles = new Map()) {
    this.npmPath = npmPath;
    this.#known = known;
  }

  /** Those that succeeded. */
  get bundles(): Bundles {
    return this.#bundles;
  }

  /** Absolute paths of the files that modules import, or name without there being one. Files of npm packages are left out. */
  get imports(): ReadonlySet<string> {
    return this.#imports;
  }

  /** Rejects with EXTENSION_COMPILE, whose `errors` have `file:line:column`. */
  bundle(extension: ExtensionCode): Promise<Bundle> {
    const key = keyOf(extension);
    let made = this.#made.get(key);
    if (made === undefined) {
      made = this.#make(extension, key);
      this.#made.set(key, made);
    }
    return made;
  }

  async #make(extension: ExtensionCode, key: string): Promise<Bundle> {
    const bundle = this.#known.get(key) ?? (await bundleExtension(extension, this.npmPath, (path) => this.#imports.add(path)));
    this.#bundles.set(key, bundle);
    return bundle;
  }
}

/** Whether two sets of bundles run the same. */
export function areSameBundles(one: Bundles, other: Bundles): boolean {
  if (one.size !== other.size) return false;
  return [...one].every(([key, { code }]) => other.get(key)?.code === code);
}

function keyOf(extension: ExtensionCode): string {
  const { id, file = '', code } = extension;
  return createHash('sha256')
    .update(JSON.stringify([id, file, folderOf(extension), code]))
    .digest('base64');
}
