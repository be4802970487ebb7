import { after, before } from 'node:test';
import { type Answer, ask } from './client.ts';
import { type DatabaseSubject, onEveryDatabase } from './databases.ts';
import { type Gateway, startGateway } from './gateway.ts';

export interface CallOptions {
  /** Of the fake Keystone: admin by default, empty for none. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A gateway that serves data models, and calls of its REST API. */
export interface ModelsUnderTest {
  readonly kind: DatabaseSubject['kind'];
  gateway(): Gateway;
  api(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** `api` that throws unless the answer is 2xx. */
  make(path: string, body: Readonly<Record<string, unknown>>, token?: string): Promise<Answer>;
}

/** Describes `body` on every kind of database, each with one gateway that serves `schemas` (YAML) to development tokens; `config` and `database` are merged into its settings. */
export function onEveryDatabaseServing(
  schemas: string,
  body: (models: ModelsUnderTest) => void,
  config: Readonly<Record<string, unknown>> = {},
  database: Readonly<Record<string, unknown>> = {},
): void {
  onEveryDatabase((subject) => {
    let running: Gateway | undefined;
    before(async () => {
      running = await startGateway({
        config: {
          log_level: 'warn',
          database: { type: subject.kind, connection: await subject.createConnection(), ...database },
          schemas: ['./schemas.yaml'],
          keystone: { fake: true },
          ...config,
        },
        files: { 'schemas.yaml': schemas },
      });
    });
    after(async () => running?.[Symbol.asyncDispose]());
    const gateway = (): Gateway => {
      if (running === undefined) throw new Error('the gateway is not started');
      return running;
    };
    const api: ModelsUnderTest['api'] = (method, path, { token = 'admin_token', headers = {}, body: content } = {}) =>
      ask(gateway().proxyUrl + path, {
        method,
        headers: {
          ...(token !== '' && { 'x-auth-token': token }),
          ...(content !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: content,
      });
    body({
      kind: subject.kind,
      gateway,
      api,
      async make(path, content, token) {
        const answer = await api('POST', path, { body: content, ...(token !== undefined && { token }) });
        if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
        return answer;
      },
    });
  });
}

/** A property in one line of a schema file, writable unless `more` says otherwise. */
export function property(name: string, type: string, more = ''): string {
  return `      ${name}: {title: ${name}, description: ${name}, type: ${type}, permission: [create, update]${more === '' ? '' : `, ${more}`}}`;
}

/** A schema under `/t`, as one entry of the list `schemas`. */
export function schema(id: string, properties: readonly string[], more: readonly string[] = []): string {
  return [
    `- id: ${id}`,
    `  singular: ${id}`,
    `  plural: ${id}s`,
    `  title: ${id}`,
    `  description: ${id}`,
    '  prefix: /t',
    ...more.map((line) => `  ${line}`),
    '  schema:',
    '    type: object',
    '    properties:',
    '      id: {title: id, description: id, type: string, permission: [create]}',
    ...properties,
    '',
  ].join('\n');
}
