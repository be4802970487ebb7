import { readFileSync } from 'node:fs';
import type { AdminOptions } from '../admin/types.ts';
import type { Settings } from '../config/settings.ts';
import { createDnsLookup } from '../http/dns-lookup.ts';
import type { UpstreamsOptions } from '../http/upstreams.ts';
import { SekishoError } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import type { ServiceDefaults } from '../proxy/compiled-service.ts';
import { anyPattern } from '../proxy/namespace-resolver.ts';
import type { ProxyOptions } from '../proxy/proxy-options.ts';
import type { SnapshotOptions } from '../proxy/snapshot.ts';
import type { ModuleRuntimeOptions } from '../runtime/options.ts';
import type { ModuleRuntime } from '../runtime/types.ts';
import type { LogOptions } from './log.ts';
import { toModuleEnv } from './module-env.ts';

/** The only place that knows which setting feeds which option. */

export function toServiceDefaults({ proxy }: Settings): ServiceDefaults {
  return {
    connectTimeoutMs: proxy.clientTransport.dialTimeoutMs,
    responseHeaderTimeoutMs: proxy.clientTransport.responseHeaderTimeoutMs,
    forceHttp2: false,
  };
}

export function toProxyOptions(settings: Settings, upstreams: ProxyOptions['upstreams']): ProxyOptions {
  const { proxy } = settings;
  const globalFields = Object.entries(proxy.globalHeaders).flat();
  return {
    upstreams,
    serviceDefaults: toServiceDefaults(settings),
    allowedDomains: proxy.allowedDomains,
    redirectHttps: proxy.redirectHttps,
    tlsPort: proxy.tls?.port ?? 443,
    trustedProxies: proxy.trustedProxies,
    disableForwardedHeaders: proxy.disableXForwardedHeaders,
    strictMode: proxy.strictMode,
    bodyIdleTimeoutMs: proxy.limits.bodyIdleTimeoutMs,
    globalFields,
    globalAndViaFields: proxy.via === '' ? globalFields : [...globalFields, 'Via', proxy.via],
    debug: settings.debug,
    debugAllowList: proxy.debugAllowList,
  };
}

export function toRuntimeOptions(settings: Settings, bridge: ModuleRuntimeOptions['bridge']): ModuleRuntimeOptions {
  const { modules } = settings;
  return {
    bridge,
    ...(modules.npmPath !== undefined && { npmPath: modules.npmPath }),
    env: toModuleEnv(process.env, modules.env),
    timeoutMs: modules.timeoutMs,
    syncTimeoutMs: modules.syncTimeoutMs,
    heapLimitBytes: modules.heapLimitBytes,
    rssLimitBytes: modules.rssLimitBytes,
    maxThreads: modules.maxThreads,
    maxQueue: modules.maxQueue,
    maxBodyBytes: modules.maxBodyBytes,
    quarantineKills: modules.quarantineKills,
    quarantineWindowMs: modules.quarantineWindowMs,
  };
}

/** Certificate of a listener, served when no domain has one for the name. The files were checked with the configuration. */
export function readCertificate(tls: { readonly certFile: string; readonly keyFile: string }): {
  readonly cert: Buffer;
  readonly key: Buffer;
} {
  return { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
}

export function toUpstreamsOptions({ proxy }: Settings): UpstreamsOptions {
  const transport = proxy.clientTransport;
  return {
    maxConnections: transport.maxConnsPerHost || Number.MAX_SAFE_INTEGER,
    idleTimeoutMs: transport.idleConnTimeoutMs,
    maxResponseHeaderBytes: transport.maxResponseHeaderBytes,
    keepAlive: !transport.disableKeepAlives,
    tcpKeepAliveMs: transport.keepAliveMs,
    disablePrivateIps: transport.disablePrivateIps,
    ...(transport.dnsServer !== undefined && {
      lookup: createDnsLookup({ server: transport.dnsServer, timeoutMs: transport.dnsTimeoutMs }),
    }),
  };
}

export function toSnapshotOptions(settings: Settings, runtime: ModuleRuntime): SnapshotOptions {
  const { proxy } = settings;
  return {
    runtime,
    serviceDefaults: toServiceDefaults(settings),
    serverTags: settings.tags,
    useDefaultNamespace: !settings.disableDefaultNamespace,
    allowsHost: proxy.allowedDomains.length === 0 ? () => true : anyPattern(proxy.allowedDomains),
  };
}

export function toLogOptions(settings: Settings): LogOptions {
  const isTerminal = process.stdout.isTTY;
  return {
    level: settings.logLevel,
    format: settings.logJson || !isTerminal ? 'json' : 'text',
    color: settings.logColor || isTerminal,
    accessLog: settings.accessLog,
    consoleLevel: toConsoleLevel(settings.proxy.consoleLogLevel ?? settings.logLevel),
    base: settings.nodeId === '' ? {} : { node_id: settings.nodeId },
  };
}

function toConsoleLevel(level: string): LogOptions['consoleLevel'] {
  return level === 'debug' || level === 'info' || level === 'warn' ? level : 'error';
}

export interface AdminParts {
  readonly state: AdminOptions['state'];
  readonly modules: NonNullable<AdminOptions['modules']>;
  readonly extensions: NonNullable<AdminOptions['extensions']>;
  readonly explain: NonNullable<AdminOptions['explain']>;
  readonly metrics: AdminOptions['metrics'];
  readonly processes?: NonNullable<AdminOptions['processes']>;
  readonly phase: AdminOptions['phase'];
  readonly status: NonNullable<AdminOptions['status']>;
  readonly certificates: NonNullable<AdminOptions['certificates']>;
  readonly sync?: NonNullable<AdminOptions['sync']>;
  readonly cluster?: NonNullable<AdminOptions['cluster']>;
  readonly backups: NonNullable<AdminOptions['backups']>;
  readonly problems: NonNullable<AdminOptions['problems']>;
}

export function toAdminOptions(settings: Settings, admin: NonNullable<Settings['admin']>, { metrics, ...parts }: AdminParts): AdminOptions {
  return {
    ...parts,
    ...(metrics !== undefined && { metrics }),
    version: VERSION,
    auth: toAdminAuth(admin),
    allowList: admin.allowList,
    forwardedForDepth: admin.xForwardedForDepth,
    allowedHosts: admin.advertise === undefined ? admin.allowedHosts : [...admin.allowedHosts, new URL(admin.advertise).hostname],
    listenHost: admin.host,
    maxBodyBytes: admin.maxBodyBytes,
    disableDefaultNamespace: settings.disableDefaultNamespace,
    debug: settings.debug,
    watchOnly: admin.watchOnly,
  };
}

function toAdminAuth(admin: NonNullable<Settings['admin']>): AdminOptions['auth'] {
  const { keyAuth, jwtAuth } = admin;
  if (admin.authMethod === 'basic') return { method: 'basic', users: admin.basicAuth?.users ?? [] };
  if (admin.authMethod === 'key') {
    const { headerName, queryParamName } = keyAuth ?? {};
    return {
      method: 'key',
      keys: keyAuth?.keys ?? [],
      ...(headerName !== undefined && { headerName }),
      ...(queryParamName !== undefined && { queryParamName }),
    };
  }
  if (admin.authMethod === 'jwt') {
    if (jwtAuth === undefined) throw new SekishoError('CONFIG_INVALID', 'admin.auth_method is jwt, but admin.jwt_auth is missing.');
    const { algorithm, headerName, issuer, audience } = jwtAuth;
    const key = jwtAuth.key ?? jwtAuth.publicKey ?? '';
    return {
      method: 'jwt',
      algorithm,
      key,
      headerName,
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    };
  }
  return { method: 'none' };
}
