import { isDeepStrictEqual } from 'node:util';
import { type Setting, type SettingKeys, toPropertyName } from '../config/setting.ts';
import type { Settings } from '../config/settings.ts';
import { SETTINGS } from '../config/settings-table.ts';

/** What a reload changes. */
export interface ReloadPlan {
  /** Keys that are different, as the configuration file has them. */
  readonly changed: readonly string[];
  /** Those of them that count from the next start on. */
  readonly later: readonly string[];
  /** The settings to go on with: the new ones, but for the keys of `later`. */
  readonly settings: Settings;
}

/** Keys (and all below them) that only a start reads: what is shared by all workers, or belongs to the supervisor. */
const LATER = [
  'version',
  'node_id',
  'debug',
  'disable_metrics',
  'disable_default_namespace',
  'pid_file',
  'storage',
  'proxy.host',
  'proxy.port',
  'proxy.watch_files',
  'admin',
  'test_server',
  'schemas',
  'database',
  'healthcheck',
  'etcd',
  'etcd_access',
  'etcd_timeout_ms',
  'sync',
  'sync_writer',
  'sync_source',
  'event_log',
  'webhooks',
  'watch',
  'cron',
];
/** Without workers, whose successors read everything else, only this counts at once. */
const AT_ONCE = ['log_level', 'log_json', 'log_color', 'access_log', 'shutdown_grace', 'proxy.console_log_level', 'proxy.init_resources'];

interface Difference {
  readonly key: string;
  readonly path: readonly string[];
}

/** Compares what is served with what the configuration says now. `hasWorkers`: they are replaced, and begin with the settings of the plan. */
export function planReload(now: Settings, next: Settings, hasWorkers: boolean): ReloadPlan {
  const differences = compare(SETTINGS, now, next, '', []);
  const isUnder = (key: string, keys: readonly string[]): boolean => keys.some((each) => key === each || key.startsWith(`${each}.`));
  const isLater = ({ key }: Difference): boolean => {
    if (!hasWorkers) return !isUnder(key, AT_ONCE);
    // Listeners come and go with a start; a certificate may change.
    if (isUnder(key, ['proxy.tls'])) return now.proxy.tls?.port !== next.proxy.tls?.port;
    if (key === 'workers') return next.workers === 0;
    return isUnder(key, LATER);
  };
  const later = differences.filter(isLater);
  return {
    changed: differences.map(({ key }) => key),
    later: later.map(({ key }) => key),
    settings: later.reduce((settings, { path }) => withValueOf(settings, now, path) as Settings, next),
  };
}

function compare(keys: SettingKeys, now: object, next: object, prefix: string, above: readonly string[]): readonly Difference[] {
  return Object.entries(keys).flatMap(([name, setting]) => {
    const property = toPropertyName(name, setting.type);
    const [a, b] = [now, next].map((each) => (each as Readonly<Record<string, unknown>>)[property]);
    if (isDeepStrictEqual(a, b)) return [];
    const key = `${prefix}${name}`;
    const path = [...above, property];
    const inner = sectionOf(key, setting);
    return inner !== undefined && isSection(a) && isSection(b) ? compare(inner, a, b, `${key}.`, path) : [{ key, path }];
  });
}

/** `init_resources` is one thing: entities by then, not keys. */
function sectionOf(key: string, setting: Setting): SettingKeys | undefined {
  return setting.type === 'section' && key !== 'proxy.init_resources' ? setting.keys : undefined;
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Map) && !Array.isArray(value);
}

/** `to` with the value that `from` has at the path. */
function withValueOf(to: object, from: object, [property = '', ...rest]: readonly string[]): object {
  const [a, b] = [to, from].map((each) => (each as Readonly<Record<string, unknown>>)[property]);
  return { ...to, [property]: rest.length === 0 ? b : withValueOf(a as object, b as object, rest) };
}
