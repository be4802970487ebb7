import { SekishoError } from '../lib/errors.ts';

/** The endpoints of a cluster and the one in use: it stays while it answers, so that its connections are used again. */
export interface Endpoints {
  readonly urls: readonly string[];
  current(): string;
  /** The endpoint did not answer: the next one is in use, unless another caller has moved on already. */
  fail(url: string, reason: string): void;
  /** The endpoint answered. */
  succeed(url: string): void;
}

/** A change of what is known of an endpoint. */
export type EndpointObserver = (endpoint: string, answers: boolean, reason: string) => void;

/** Begins anywhere in the list, so that many gateways do not all use the first member. Throws CONFIG_INVALID for what is no endpoint. */
export function createEndpoints(texts: readonly string[], observe: EndpointObserver): Endpoints {
  if (texts.length === 0)
    throw new SekishoError('CONFIG_INVALID', 'etcd has no endpoints; give one at least, such as http://localhost:2379');
  const urls = [...new Set(texts.map(toEndpointUrl))];
  const dead = new Set<string>();
  let index = Math.floor(Math.random() * urls.length);
  return {
    urls,
    current: () => urls[index] ?? '',
    fail(url, reason) {
      if (urls[index] === url) index = (index + 1) % urls.length;
      if (dead.has(url)) return;
      dead.add(url);
      observe(url, false, reason);
    },
    succeed(url) {
      if (dead.delete(url)) observe(url, true, '');
    },
  };
}

/** `http://host:2379` or `https://…` without a slash at its end; a bare `host:port` means http. */
export function toEndpointUrl(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.username !== ''
  ) {
    throw new SekishoError(
      'CONFIG_INVALID',
      `etcd endpoint ${JSON.stringify(text)} is not of the form http://host:port or https://host:port`,
    );
  }
  return url.origin;
}
