import type { EventContext } from './types.ts';

/** Who asks, as the gateway tells it. */
interface Auth {
  readonly tenant_id?: unknown;
  readonly tenant_name?: unknown;
  readonly domain_id?: unknown;
  readonly domain_name?: unknown;
  readonly roles?: unknown;
  readonly is_admin?: unknown;
}

const METHODS: Readonly<Record<string, (auth: Auth) => unknown>> = {
  TenantID: (auth) => auth.tenant_id,
  TenantName: (auth) => auth.tenant_name,
  DomainID: (auth) => auth.domain_id,
  DomainName: (auth) => auth.domain_name,
  Roles: (auth) => (Array.isArray(auth.roles) ? auth.roles.map(toRole) : []),
  IsAdmin: (auth) => auth.is_admin === true,
};

/** The head of a request, as the gateway tells it. */
interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly remote_address: string;
}

/** What Go calls it. */
const REQUEST_FIELDS: Readonly<Record<string, (request: HttpRequest) => unknown>> = {
  Method: ({ method }) => method,
  Host: ({ host }) => host,
  RequestURI: ({ url }) => url,
  RemoteAddr: ({ remote_address: address }) => address,
  URL: ({ url, path }) => ({ Path: path, RawQuery: url.slice(url.indexOf('?') + 1 || url.length), String: () => url }),
  Header: ({ headers }) => toGoHeader(headers),
};

/**
 * Gives `context.auth` the methods that scripts of Gohan call (`context.auth.TenantID()`), and `context.http_request` the names that it has in Go
 * (`Header.Get('Accept')`, `URL.Path`). They are not enumerable, so that copies are data.
 */
export function decorateContext(context: EventContext): void {
  const { auth, http_request: request } = context;
  if (isBare(auth, 'TenantID'))
    for (const [name, read] of Object.entries(METHODS))
      Object.defineProperty(auth, name, { value: () => read(auth) ?? '', configurable: true, writable: true });
  if (isBare(request, 'Header'))
    for (const [name, read] of Object.entries(REQUEST_FIELDS))
      Object.defineProperty(request, name, { get: () => read(request as HttpRequest), configurable: true });
}

function isBare(value: unknown, name: string): value is object {
  return typeof value === 'object' && value !== null && !(name in value) && Object.isExtensible(value);
}

/** `{"Content-Type": ["…"]}`, with `Get`. */
function toGoHeader(headers: Readonly<Record<string, string>>): object {
  const canonical = (name: string): string => name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  const fields = Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonical(name), [value]]));
  const read = (name: unknown): string => headers[String(name).toLowerCase()] ?? '';
  return Object.defineProperty(fields, 'Get', { value: read });
}

/** A role as Gohan has it: `{Name}`. */
function toRole(role: unknown): { readonly Name: string } {
  return { Name: String(role) };
}
