import type { InitResources } from './init-resources.ts';
import type { SectionValue } from './setting.ts';
import type { SETTINGS } from './settings-table.ts';

type Table = SectionValue<typeof SETTINGS>;

/**
 * The validated configuration, inferred from the table of settings: camelCase, durations in milliseconds (`…Ms`), sizes in bytes (`…Bytes`), paths absolute.
 * Alternatives are already resolved: `admin.jwtAuth.key` and `.publicKey` hold the text of their `…_file`, `admin.keyAuth.keys` every key.
 */
export type Settings = Omit<Table, 'proxy'> & {
  readonly proxy: Omit<Table['proxy'], 'initResources' | 'consoleLogLevel'> & {
    readonly initResources?: InitResources;
    readonly consoleLogLevel: Table['logLevel'];
  };
};
