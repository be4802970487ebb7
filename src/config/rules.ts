import { checkCertificateFiles } from './check-certificate.ts';
import type { Draft } from './draft.ts';
import type { Problems } from './problems.ts';
import { checkAdmin } from './rules-admin.ts';
import { checkInitResources } from './rules-init.ts';
import { checkModels } from './rules-models.ts';
import { checkStorage, checkSync } from './rules-sync.ts';
import type { SectionValue } from './setting.ts';
import type { SETTINGS } from './settings-table.ts';

/** Reports what is wrong between keys: what needs, excludes or contradicts what, and whether certificates fit their keys. */
export function checkRules(settings: NonNullable<Draft<SectionValue<typeof SETTINGS>>>, problems: Problems): void {
  const { storage, proxy, admin, testServer } = settings;
  checkStorage(storage, problems);
  if (storage?.encryptionKey !== undefined && storage.encryptionKeyFile !== undefined) {
    problems.report('storage.encryption_key_file', 'only one of `encryption_key` and `encryption_key_file` can be set');
  }
  checkHttp2('proxy', proxy, problems);
  checkHttp2('test_server', testServer, problems);
  checkTls('proxy.tls', proxy?.tls, problems);
  checkTls('admin.tls', admin?.tls, problems);
  if (admin) checkAdmin(admin, problems);
  checkModels(settings, problems);
  checkSync(settings, problems);
  checkInitResources(proxy?.initResources, settings.disableDefaultNamespace === true, problems);
}

function checkHttp2(
  path: string,
  listener: { readonly enableH2c?: boolean | undefined; readonly enableHttp2?: boolean | undefined } | undefined,
  problems: Problems,
): void {
  if (listener?.enableH2c && listener.enableHttp2 === false)
    problems.report(`${path}.enable_h2c`, 'found true while `enable_http2` is false; expected `enable_http2: true` beside it');
}

function checkTls(
  path: string,
  tls: { readonly certFile?: string | undefined; readonly keyFile?: string | undefined } | undefined,
  problems: Problems,
): void {
  if (tls?.certFile === undefined || tls.keyFile === undefined) return;
  for (const { key, detail } of checkCertificateFiles(tls.certFile, tls.keyFile)) problems.report(`${path}.${key}`, detail);
}
