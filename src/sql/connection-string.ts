import { SekishoError } from '../lib/errors.ts';
import type { MysqlOptions } from './mysql-database.ts';

const POSTGRES_EXAMPLE = 'postgres://user:password@localhost:5432/name';

/** The file of an SQLite connection: a path, Gohan's `name.db?_foreign_keys=1`, `file:name.db` or `:memory:`. Options after `?` are dropped: foreign keys are always on. */
export function parseSqliteConnection(connection: string): string {
  if (/mode=memory/.test(connection)) return ':memory:';
  const path = connection.replace(/^(?:sqlite3?|file):(?:\/\/)?/, '').replace(/\?.*$/s, '');
  if (path === '') throw invalid('sqlite3', 'a file name', './data.db');
  return path;
}

/** The address of a MySQL connection: a URL, or Gohan's `user:password@tcp(host:port)/database?options` (the DSN of go-sql-driver). */
export function parseMysqlConnection(connection: string): MysqlOptions['address'] {
  return /^(?:mysql|mariadb):\/\//.test(connection) ? parseMysqlUrl(connection) : parseDsn(connection);
}

/** The URL of a PostgreSQL connection, or libpq's `host=… dbname=…`. */
export function parsePostgresConnection(connection: string): string {
  if (/^postgres(?:ql)?:\/\//.test(connection)) return connection;
  const pairs = [...connection.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))/g)];
  if (pairs.length === 0) throw invalid('postgresql', 'a URL', POSTGRES_EXAMPLE);
  const words = new Map(pairs.map(([, key, quoted, plain]) => [key ?? '', quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '']));
  const url = new URL('postgres://localhost');
  const take = (key: string): string | undefined => {
    const value = words.get(key);
    words.delete(key);
    return value;
  };
  const host = take('host');
  url.username = encodeURIComponent(take('user') ?? '');
  url.password = encodeURIComponent(take('password') ?? '');
  url.pathname = encodeURIComponent(take('dbname') ?? '');
  url.port = take('port') ?? '';
  if (host?.startsWith('/')) url.searchParams.set('host', host);
  else if (host !== undefined) url.hostname = host;
  for (const [key, value] of words) url.searchParams.set(key, value);
  return url.href;
}

/** The server and the database of a connection, for people: without user and password. */
export function toPlace(type: 'mysql' | 'postgresql', connection: string): string {
  if (type === 'mysql') {
    const { host, port, socketPath, database = '' } = parseMysqlConnection(connection);
    return `mysql ${socketPath ?? `${host}:${port}`}/${database}`;
  }
  const text = parsePostgresConnection(connection);
  if (!URL.canParse(text)) throw invalid('postgresql', 'a URL', POSTGRES_EXAMPLE);
  const url = new URL(text);
  const host = url.searchParams.get('host') ?? (url.hostname === '' ? 'localhost' : url.hostname);
  return `postgresql ${host}:${url.port === '' ? 5432 : url.port}/${decodeURIComponent(url.pathname.slice(1))}`;
}

function parseMysqlUrl(text: string): MysqlOptions['address'] {
  if (!URL.canParse(text)) throw invalid('mysql', 'a URL', 'mysql://user:password@localhost:3306/name');
  const url = new URL(text);
  const socketPath = url.searchParams.get('socket');
  return {
    ...(socketPath === null
      ? { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 3306 : Number(url.port) }
      : { socketPath }),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...toTls(url.searchParams.get('tls') ?? url.searchParams.get('ssl') ?? ''),
  };
}

/** `[user[:password]@][protocol[(address)]]/database[?options]`; the last `/` and `@` count, as in go-sql-driver. */
function parseDsn(text: string): MysqlOptions['address'] {
  const match = /^(?:(.*)@)?(?:(\w*)(?:\((.*)\))?)\/([^/?]*)(?:\?(.*))?$/s.exec(text);
  if (match === null) throw invalid('mysql', 'a data source name', 'user:password@tcp(localhost:3306)/name');
  const [, credentials = '', protocol = 'tcp', address = '', database = '', options = ''] = match;
  const colon = credentials.indexOf(':');
  const login = colon < 0 ? { user: credentials } : { user: credentials.slice(0, colon), password: credentials.slice(colon + 1) };
  return { ...login, ...toSocket(protocol, address), database, ...toTls(new URLSearchParams(options).get('tls') ?? '') };
}

function toSocket(protocol: string, address: string): Pick<MysqlOptions['address'], 'host' | 'port' | 'socketPath'> {
  if (protocol === 'unix') return { socketPath: address === '' ? '/tmp/mysql.sock' : address };
  const match = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(address);
  const host = match?.[1] ?? match?.[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port: Number(match?.[3] ?? 3306) };
}

function toTls(mode: string): Pick<MysqlOptions['address'], 'ssl'> {
  if (mode === 'true' || mode === '1') return { ssl: {} };
  return mode === 'skip-verify' || mode === 'preferred' ? { ssl: { rejectUnauthorized: false } } : {};
}

/** Connection strings hold passwords: what was found is not repeated. */
function invalid(type: string, wanted: string, example: string): SekishoError {
  return new SekishoError('CONFIG_INVALID', `database.connection of type ${type} must be ${wanted}, for example ${example}`);
}
