import { SekishoError } from '../lib/errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** The URL of an identity service, named `key` in errors. CONFIG_INVALID when it is none, or is plain http to another machine: whoever can change the answer decides who is admin. */
export function parseServiceUrl(text: string, key: string, options: { readonly allowHttp?: boolean } = {}): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new SekishoError('CONFIG_INVALID', `${key} is ${JSON.stringify(text)}; it must be an http(s) URL`);
  }
  if (url.username !== '' || url.password !== '') throw new SekishoError('CONFIG_INVALID', `${key} must not hold a user name or password`);
  if (url.protocol === 'http:' && !options.allowHttp && !LOOPBACK.test(url.hostname)) {
    throw new SekishoError('CONFIG_INVALID', `${key} is plain http to ${url.hostname}; use https, or a service on this machine`);
  }
  return url;
}
