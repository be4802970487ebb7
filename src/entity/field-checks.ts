import { toSekishoError } from '../lib/errors.ts';
import { METHODS, type Report } from './field-rule.ts';
import { compileHostPattern } from './host-pattern.ts';
import { parsePathPattern } from './path-pattern.ts';
import { findTagProblem } from './tag-conditions.ts';

const MAX_NAME_LENGTH = 255;
const SCHEMES = ['http', 'https', 'ws', 'wss', 'h2c'];

/** Names may hold any character that can be seen. */
export function checkName(name: string, report: Report): void {
  if (name.length > MAX_NAME_LENGTH) report(`is ${name.length} characters long; at most ${MAX_NAME_LENGTH} are allowed`);
  const at = name.search(/[\p{Cc}\p{Cs}]/u);
  if (at >= 0) report(`has a control character at position ${at + 1}`);
}

/** Names of namespaces have no `/`: it separates them from the names of what they own. */
export function checkNamespaceName(name: string, report: Report): void {
  if (name.includes('/')) report('must not contain a /');
  checkName(name, report);
}

/** URLs of a service: absolute, one of the five schemes, a host, no credentials, no fragment. */
export function checkUrls(urls: readonly string[], report: Report): void {
  for (const [index, url] of urls.entries()) {
    const problem = findUrlProblem(url);
    if (problem !== undefined) report(`${JSON.stringify(url)}: ${problem}`, `/${index}`);
  }
}

function findUrlProblem(url: string): string | undefined {
  if (/[\p{Cc}\s]/u.test(url)) return 'white space and control characters are not allowed in a URL';
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'url scheme cannot be empty: write it as http://host:port/path';
  if (!SCHEMES.includes(scheme)) return `the scheme ${scheme} is not supported; allowed are ${SCHEMES.join(', ')}`;
  if (/^[^/]*:\/\/([/?#]|$)/.test(url)) return 'url host cannot be empty';
  const parsed = URL.parse(url);
  if (parsed === null) return 'is not a valid URL';
  if (parsed.hostname === '') return 'url host cannot be empty';
  if (parsed.username !== '' || parsed.password !== '')
    return 'credentials in a URL are not sent; set the Authorization header in a module, with a secret';
  return parsed.hash === '' ? undefined : 'a fragment (#…) is never sent to a server';
}

/** Methods of a route: known upper-case names, or `*` alone. */
export function checkMethods(methods: readonly string[], report: Report): void {
  if (methods.includes('*')) {
    if (methods.length > 1) report('route methods cannot have other methods with *');
    return;
  }
  for (const [index, method] of methods.entries()) {
    if (!(METHODS as readonly string[]).includes(method))
      report(`unsupported method: ${method}; allowed are ${METHODS.join(', ')}, or * alone`, `/${index}`);
    else if (methods.indexOf(method) < index) report(`${method} is there twice`, `/${index}`);
  }
}

/** Paths of a route: the grammar of `parsePathPattern`. */
export function checkPaths(paths: readonly string[], report: Report): void {
  checkEach(paths, report, parsePathPattern);
}

/** Patterns of a domain: the grammar of `compileHostPattern`. */
export function checkHostPatterns(patterns: readonly string[], report: Report): void {
  checkEach(patterns, report, compileHostPattern);
}

function checkEach(values: readonly string[], report: Report, parse: (value: string) => unknown): void {
  for (const [index, value] of values.entries()) {
    try {
      parse(value);
    } catch (error) {
      report(toSekishoError(error).message, `/${index}`);
    }
  }
}

/** Names of a route's modules: none twice, none empty. */
export function checkModuleNames(names: readonly string[], report: Report): void {
  for (const [index, name] of names.entries()) {
    if (name === '') report('the name of a module is empty', `/${index}`);
    else if (names.indexOf(name) < index) report(`the module ${JSON.stringify(name)} is there twice`, `/${index}`);
  }
}

/** Tags: labels, and conditions on the tags of nodes. */
export function checkTags(tags: readonly string[], report: Report): void {
  for (const [index, tag] of tags.entries()) {
    const problem = findTagProblem(tag);
    if (problem !== undefined) report(`${JSON.stringify(tag)} ${problem}`, `/${index}`);
  }
}

/** Source text of a module: base64 of the standard alphabet, padded; line breaks are tolerated. */
export function checkPayload(payload: string, report: Report): void {
  const bad = payload.search(/[^A-Za-z0-9+/=\r\n]/);
  const text = payload.replace(/[\r\n]/g, '');
  const padding = text.search(/=/);
  const ends = padding < 0 || /^={1,2}$/.test(text.slice(padding));
  if (bad >= 0) report(`illegal base64 data at input byte ${bad}: the payload is the base64 of the source text`);
  else if (!ends) report(`illegal base64 data at input byte ${payload.indexOf('=')}: = is allowed only at the end`);
  else if (text.length % 4 !== 0) report(`illegal base64 data at input byte ${payload.length}: its length is no multiple of four`);
}

/** A JSON Schema is an object or a boolean; whether it compiles is checked where schemas are compiled. */
export function checkSchema(schema: unknown, report: Report): void {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || Array.isArray(schema)))
    report('a JSON Schema is an object or a boolean');
}

/** Only collections of documents are implemented. */
export function checkCollectionType(type: string, report: Report): void {
  if (type === 'fetcher') report('collections of type fetcher are not implemented; the type is document');
}
