import type { SettingKeys } from './setting.ts';

/** Top-level keys that are known and have no effect: sections of Gohan that a coming version serves, and leftovers of both systems. */
export const WITHOUT_EFFECT = {
  Logger: { type: 'ignored', doc: 'use `log_level`, `log_json` and `log_color`' },
  'stats?': { type: 'ignored', doc: 'it never had an effect' },
  stats: { type: 'ignored', doc: 'it never had an effect' },
  auto_generate: { type: 'ignored', doc: 'it never had an effect' },

  address: { type: 'ignored', origin: 'gohan', doc: 'use `proxy.host` and `proxy.port`' },
  document_root: { type: 'later', origin: 'gohan', doc: 'the web console is not served by this version' },
  editable_schema: { type: 'ignored', origin: 'gohan', doc: 'it never had an effect' },
  include: { type: 'ignored', origin: 'gohan', doc: 'only this one file is read' },
  logging: { type: 'ignored', origin: 'gohan', doc: 'use `log_level`, `log_json` and `log_color`' },
  metrics: { type: 'later', origin: 'gohan', doc: 'the admin API has `/metrics`, unless `disable_metrics` is set' },
  profiling: { type: 'ignored', origin: 'gohan', doc: 'there is no profiling endpoint' },
  ssh: { type: 'later', origin: 'gohan', doc: 'there are no `gohan_ssh_*` and `gohan_netconf_*`' },
  tls: { type: 'ignored', origin: 'gohan', doc: 'use `proxy.tls`' },
  transaction_commit_informer: { type: 'ignored', origin: 'gohan', doc: 'it never had an effect' },
  webui_config: { type: 'later', origin: 'gohan', doc: 'the web console is not served by this version' },
} as const satisfies SettingKeys;
