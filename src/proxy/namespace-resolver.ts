import { compileHostPattern } from '../entity/host-pattern.ts';
import type { Domain } from '../entity/types.ts';

export interface ResolverOptions {
  readonly domains: readonly Domain[];
  readonly namespaces: readonly string[];
  /** Whether `default` takes what no domain claims. */
  readonly useDefault: boolean;
}

/** How one domain judged a host; for the explain endpoint. */
export interface DomainVerdict {
  readonly domain: string;
  readonly namespace: string;
  readonly priority: number;
  readonly pattern: string | undefined;
}

export interface NamespaceResolver {
  /** Name of the namespace that serves `host` (lower case, no port); undefined when none does. */
  resolve(host: string): string | undefined;
  /** Every domain in the order they are asked, with the pattern that matched. */
  explain(host: string): { readonly verdicts: readonly DomainVerdict[]; readonly reason: string };
  readonly domains: readonly CompiledDomain[];
}

export interface CompiledDomain {
  readonly domain: Domain;
  readonly matches: (host: string) => boolean;
}

/** Hosts come from clients, so the memory of answers is bounded. */
const MAX_REMEMBERED_HOSTS = 1024;

/** Orders domains as they are asked: priority, name, namespace, all descending. Nothing else counts: every node asks them in the same order. */
export function compileDomains(domains: readonly Domain[]): readonly CompiledDomain[] {
  return domains
    .toSorted((a, b) => b.priority - a.priority || descending(a.name, b.name) || descending(a.namespace, b.namespace))
    .map((domain) => ({ domain, matches: anyPattern(domain.patterns) }));
}

function descending(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? 1 : -1;
}

/** One predicate for a list of host patterns. */
export function anyPattern(patterns: readonly string[]): (host: string) => boolean {
  const compiled = patterns.map(compileHostPattern);
  return (host) => compiled.some((matches) => matches(host));
}

/**
 * Decides which namespace serves a host: the first matching domain; the only namespace when there are no domains at all;
 * `default` when it is in use and no domain belongs to it.
 */
export function compileResolver(options: ResolverOptions): NamespaceResolver {
  const domains = compileDomains(options.domains);
  const fallback = findFallback(options);
  const remembered = new Map<string, string | undefined>();
  const search = (host: string): string | undefined => domains.find(({ matches }) => matches(host))?.domain.namespace ?? fallback.namespace;
  if (domains.length === 0)
    return { resolve: () => fallback.namespace, explain: () => ({ verdicts: [], reason: fallback.reason }), domains };
  return {
    domains,
    resolve(host) {
      const known = remembered.get(host);
      if (known !== undefined || remembered.has(host)) return known;
      if (remembered.size >= MAX_REMEMBERED_HOSTS) remembered.clear();
      const namespace = search(host);
      remembered.set(host, namespace);
      return namespace;
    },
    explain(host) {
      const verdicts = domains.map(({ domain }) => ({
        domain: domain.name,
        namespace: domain.namespace,
        priority: domain.priority,
        pattern: domain.patterns.find((pattern) => compileHostPattern(pattern)(host)),
      }));
      const winner = verdicts.find(({ pattern }) => pattern !== undefined);
      return { verdicts, reason: winner === undefined ? fallback.reason : `domain "${winner.domain}" matches by ${winner.pattern}` };
    },
  };
}

function findFallback(options: ResolverOptions): { namespace: string | undefined; reason: string } {
  const { domains, namespaces, useDefault } = options;
  const only = namespaces[0];
  if (domains.length === 0 && namespaces.length === 1 && only !== undefined)
    return { namespace: only, reason: `there are no domains and "${only}" is the only namespace` };
  if (useDefault && namespaces.includes('default') && !domains.some(({ namespace }) => namespace === 'default')) {
    return { namespace: 'default', reason: 'no domain matches, and "default" serves every host that no domain claims' };
  }
  return { namespace: undefined, reason: 'no domain matches, and the default namespace is disabled, missing or has domains of its own' };
}
