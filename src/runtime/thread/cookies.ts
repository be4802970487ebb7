/** A cookie of the request. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly domain: string;
  readonly expires: Date | null;
  readonly maxAge: number;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: string;
  readonly raw: string;
}

export interface CookieOptions {
  readonly domain?: string;
  readonly expires?: Date | string | number;
  readonly httpOnly?: boolean;
  /** Seconds. */
  readonly maxAge?: number;
  readonly path?: string;
  readonly secure?: boolean;
  readonly sameSite?: string;
}

const SAME_SITE: Readonly<Record<string, string>> = { lax: 'Lax', strict: 'Strict', none: 'None' };

/** One Set-Cookie value (RFC 6265): attributes in the order Path, Domain, Expires, Max-Age, HttpOnly, Secure, SameSite. */
export function serializeCookie(name: string, value: string, options: CookieOptions = {}): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw new TypeError(`invalid cookie name ${JSON.stringify(name)}`);
  const parts = [`${name}=${cookieValue(String(value))}`];
  if (options.path) parts.push(`Path=${attribute(options.path)}`);
  if (options.domain) parts.push(`Domain=${attribute(options.domain.replace(/^\./, ''))}`);
  if (options.expires !== undefined && options.expires !== null) {
    const at = new Date(options.expires);
    if (!Number.isNaN(at.getTime())) parts.push(`Expires=${at.toUTCString()}`);
  }
  const maxAge = options.maxAge === undefined ? 0 : Math.trunc(Number(options.maxAge));
  if (maxAge > 0) parts.push(`Max-Age=${maxAge}`);
  else if (maxAge < 0) parts.push('Max-Age=0');
  if (options.httpOnly) parts.push('HttpOnly');
  if (options.secure) parts.push('Secure');
  const sameSite = SAME_SITE[String(options.sameSite ?? '').toLowerCase()];
  if (sameSite) parts.push(`SameSite=${sameSite}`);
  return parts.join('; ');
}

/** Cookies of Cookie fields, in order. */
export function parseCookies(fields: readonly string[]): Cookie[] {
  const cookies: Cookie[] = [];
  for (const pair of fields.join(';').split(';')) {
    const raw = pair.trim();
    const at = raw.indexOf('=');
    if (at > 0) cookies.push(cookie(raw.slice(0, at).trim(), unquote(raw.slice(at + 1).trim()), raw, {}));
  }
  return cookies;
}

/** Cookies of Set-Cookie fields, with their attributes. */
export function parseSetCookies(fields: readonly string[]): Cookie[] {
  return fields.flatMap((raw) => {
    const [pair = '', ...rest] = raw.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    if (at <= 0) return [];
    const attributes: Record<string, string> = {};
    for (const part of rest) {
      const [key = '', ...value] = part.split('=');
      attributes[key.toLowerCase()] = value.join('=');
    }
    return [cookie(pair.slice(0, at), unquote(pair.slice(at + 1)), raw, attributes)];
  });
}

function cookie(name: string, value: string, raw: string, attributes: Readonly<Record<string, string>>): Cookie {
  const expires = attributes['expires'] === undefined ? null : new Date(attributes['expires']);
  return {
    name,
    value,
    path: attributes['path'] ?? '',
    domain: attributes['domain'] ?? '',
    expires: expires !== null && Number.isNaN(expires.getTime()) ? null : expires,
    maxAge: Number.parseInt(attributes['max-age'] ?? '0', 10) || 0,
    secure: 'secure' in attributes,
    httpOnly: 'httponly' in attributes,
    sameSite: (attributes['samesite'] ?? '').toLowerCase(),
    raw,
  };
}

function unquote(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/** Values with a space or comma are quoted; characters that a cookie cannot hold are dropped. */
function cookieValue(value: string): string {
  const clean = value.replace(/[^\x20-\x7e]|["\\;]/g, '');
  return /[ ,]/.test(clean) ? `"${clean}"` : clean;
}

function attribute(value: string): string {
  return String(value).replace(/[^\x20-\x7e]|;/g, '');
}
