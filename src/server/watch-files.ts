import { existsSync, type FSWatcher, readlinkSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { observe } from '../lib/event.ts';

export interface FileWatch {
  /** Watches these files from now on, instead of those before. One that is not there yet counts when its folder is. */
  follow(paths: readonly string[]): void;
  close(): void;
}

/** Editors write a file in several steps; what comes within this time is one edit. */
const SETTLE_MS = 50;

/** Calls `onChange` after an edit of one of the files; never while the call before is still running. */
export function createFileWatch(onChange: () => Promise<void>): FileWatch {
  let watchers: readonly FSWatcher[] = [];
  let settle: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const edited = (): void => {
    clearTimeout(settle);
    settle = setTimeout(() => {
      running = running.then(onChange);
    }, SETTLE_MS);
  };
  return {
    follow(paths) {
      const before = watchers;
      // Before those are closed: an edit in between would be missed.
      watchers = watchFolders(paths, edited);
      for (const watcher of before) watcher.close();
    },
    close() {
      clearTimeout(settle);
      for (const watcher of watchers) watcher.close();
      watchers = [];
    },
  };
}

/** Watches the folders, not the files: many editors write a new file and rename it over the old one. */
function watchFolders(paths: readonly string[], onChange: () => void): FSWatcher[] {
  const names = new Map<string, Set<string>>();
  for (const path of paths.flatMap(withLinks)) names.set(dirname(path), (names.get(dirname(path)) ?? new Set()).add(basename(path)));
  const folders = [...names].filter(([folder]) => existsSync(folder));
  return folders.map(([folder, wanted]) =>
    watch(folder, (_event, name) => {
      if (name === null || wanted.has(name)) onChange();
    }).on('error', (cause) => observe({ type: 'warning', text: `${folder} can no longer be watched: ${cause.message}` })),
  );
}

/** A path, the links on its way, and where these lead: a volume of Kubernetes swaps a link to the folder of all its files. */
function withLinks(path: string): readonly string[] {
  const found = new Set([path]);
  for (const one of found)
    for (let at = one; at !== dirname(at); at = dirname(at)) {
      const target = targetOf(at);
      if (target === undefined || found.size > MAX_LINKS) continue;
      found.add(at);
      found.add(resolve(dirname(at), target) + one.slice(at.length));
    }
  return [...found];
}

/** More on the way to one file are a mistake. */
const MAX_LINKS = 40;

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
