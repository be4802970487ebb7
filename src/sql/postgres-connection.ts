import type { ClientBase, QueryArrayConfig } from 'pg';
import { POSTGRES } from './dialect-postgres.ts';
import type { Executor } from './executor.ts';
import { toSqlError } from './sql-error.ts';

/** Gives texts that come again a name, under which the server keeps them prepared. */
export type NameStatement = (text: string) => string | undefined;

const MAX_NAMED = 1000;
const USES_BEFORE_NAME = 3;

/** Names texts on their third use, a bounded number of them: the server keeps every one for each connection. */
export function createStatementNames(): NameStatement {
  const names = new Map<string, string>();
  const uses = new Map<string, number>();
  return (text) => {
    const name = names.get(text);
    if (name !== undefined) return name;
    if (names.size >= MAX_NAMED) return undefined;
    const count = (uses.get(text) ?? 0) + 1;
    if (count < USES_BEFORE_NAME) {
      if (uses.size >= MAX_NAMED) uses.clear();
      uses.set(text, count);
      return undefined;
    }
    uses.delete(text);
    const made = `s${names.size + 1}`;
    names.set(text, made);
    return made;
  };
}

const BOOL = 16;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const FLOAT4 = 700;
const FLOAT8 = 701;

const toNumber = (text: string): number => Number(text);
const toExactInteger = (text: string): number | string => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
};
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [BOOL]: (text) => text === 't',
  [INT8]: toExactInteger,
  [INT2]: toNumber,
  [INT4]: toNumber,
  [FLOAT4]: toNumber,
  [FLOAT8]: toNumber,
};
const asText = (text: string): string => text;

/** Values as the columns decode them: numbers, booleans, and everything else as its text. */
export const POSTGRES_TYPES = { getTypeParser: (oid: number) => PARSERS[oid] ?? asText };

const configs = new Map<string, QueryArrayConfig>();

/**
 * A statement for the driver. It copies a config's own properties for every query, one descriptor at a time: 5 % of a request. The config of a named statement
 * is kept, and inherits all of them instead.
 */
function toConfig(text: string, name: string | undefined): QueryArrayConfig {
  if (name === undefined) return { text, rowMode: 'array', types: POSTGRES_TYPES };
  const known = configs.get(text);
  if (known?.name === name) return known;
  const config: QueryArrayConfig = Object.create({ text, name, rowMode: 'array', types: POSTGRES_TYPES });
  if (configs.size >= MAX_NAMED) configs.clear();
  configs.set(text, config);
  return config;
}

/** Runs statements on a client, or on any client of a pool. */
export function createPostgresExecutor(client: Pick<ClientBase, 'query'>, nameOf: NameStatement): Executor {
  return {
    async rows(text, parameters, context) {
      try {
        return (await client.query(toConfig(text, nameOf(text)), parameters as unknown[])).rows;
      } catch (error) {
        throw toSqlError(POSTGRES, error, context);
      }
    },
    async change(text, parameters, context) {
      try {
        return (await client.query(toConfig(text, nameOf(text)), parameters as unknown[])).rowCount ?? 0;
      } catch (error) {
        throw toSqlError(POSTGRES, error, context);
      }
    },
    async records(text, parameters) {
      try {
        // Without parameters in the simple protocol, which takes everything that psql takes.
        const result = await client.query({
          text,
          types: POSTGRES_TYPES,
          ...(parameters.length > 0 && { values: parameters as unknown[] }),
        });
        return (result.rows ?? []) as Readonly<Record<string, unknown>>[];
      } catch (error) {
        throw toSqlError(POSTGRES, error, { operation: 'other' });
      }
    },
  };
}
