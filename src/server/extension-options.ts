import type { Settings } from '../config/settings.ts';
import { toDocument } from '../config/to-document.ts';
import type { ExtensionsOptions } from '../extension/extensions.ts';
import type { HostCallsOptions } from '../extension/host/host-calls.ts';
import type { ExtensionMemoryOptions } from '../extension/host/memory.ts';
import type { EnvironmentsOptions } from '../extension/to-environments.ts';
import { toModuleEnv } from './module-env.ts';

/** Which setting feeds which option of extensions. */

export function toExtensionsOptions({ extension }: Settings): Pick<ExtensionsOptions, 'limits' | 'npmPath' | 'env'> {
  return {
    limits: {
      timeoutMs: extension.timelimit * 1000,
      timeouts: extension.timelimits.map(({ path, event, timelimit }) => ({
        path: new RegExp(path),
        event: new RegExp(event),
        timeoutMs: timelimit * 1000,
      })),
      exclusiveThreads: extension.threads,
      sharedThreads: extension.sharedThreads,
      maxQueue: extension.maxQueue,
      heapLimitBytes: extension.heapLimitBytes,
      rssLimitBytes: extension.rssLimitBytes,
      syncTimeoutMs: extension.syncTimeoutMs,
      quarantineKills: extension.quarantineKills,
      quarantineWindowMs: extension.quarantineWindowMs,
    },
    npmPath: extension.npmPath,
    env: toModuleEnv(process.env, extension.env),
  };
}

/** Environments that are no schema: those of cron jobs and of watched keys. */
export function toEnvironmentsOptions({ extension, cron, watch }: Settings): EnvironmentsOptions {
  return {
    others: [...new Set([...cron.map(({ path }) => path), ...watch.events.map((event) => `sync://${event}`)])],
    defaultType: extension.default,
  };
}

export function toMemoryOptions({ extension }: Settings): ExtensionMemoryOptions {
  return { maxGlobalBytes: extension.maxGlobalBytes, maxCacheBytes: extension.maxCacheBytes };
}

export function toHostCallsOptions(settings: Settings): Omit<HostCallsOptions, 'memory'> {
  const { extension } = settings;
  return {
    http: { maxBodyBytes: extension.maxHttpBodyBytes, timeoutMs: extension.httpTimeoutMs },
    files: { root: extension.fileRoot, isWritable: extension.fileWrite, maxBytes: extension.maxFileBytes },
    exec: {
      isAllowed: extension.allowExec,
      timeoutMs: extension.execTimeoutMs,
      maxOutputBytes: extension.maxFileBytes,
      env: toModuleEnv(process.env, extension.env),
    },
    config: toDocument(settings),
  };
}
