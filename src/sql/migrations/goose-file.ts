import { SekishoError } from '../../lib/errors.ts';

/** A migration file in goose's format: statements that take the tables one version on, and those that take them back. */
export interface Migration {
  /** The number that leads the file's name; versions are taken in its order. */
  readonly version: number;
  readonly file: string;
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** False after `-- +goose NO TRANSACTION`: each statement is committed by itself. */
  readonly isTransactional: boolean;
}

const FILE_NAME = /^(\d+)_.*\.sql$/;

/** The version of a file name such as `20240102030405_add_ports.sql`; undefined when it is no migration. */
export function toVersion(file: string): number | undefined {
  const digits = FILE_NAME.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Parses a migration. A statement ends with a line that ends in `;`, or, between `-- +goose StatementBegin` and `StatementEnd`, with the latter.
 * MIGRATION_INVALID names the file and line of what breaks the format.
 */
export function parseGooseFile(file: string, text: string): Migration {
  const version = toVersion(file);
  if (version === undefined) throw invalid(file, 1, 'its name must be <version>_<name>.sql');
  const statements = { up: [] as string[], down: [] as string[] };
  let direction: 'up' | 'down' | undefined;
  let isTransactional = true;
  let isBlock = false;
  let buffer: string[] = [];
  const finish = (): void => {
    const statement = buffer.join('\n').trim();
    if (statement !== '' && direction !== undefined) statements[direction].push(statement);
    buffer = [];
  };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fail = (detail: string): never => {
      throw invalid(file, index + 1, detail);
    };
    const annotation = /^\s*--\s*\+goose\s+(.*?)\s*$/i.exec(line)?.[1]?.toUpperCase();
    if (annotation === undefined) {
      const isBlank = /^\s*(?:--.*)?$/.test(line);
      if (isBlank && buffer.length === 0 && !isBlock) continue;
      if (direction === undefined) fail('a statement stands before "-- +goose Up"');
      buffer.push(line);
      if (!isBlock && /;\s*(?:--.*)?$/.test(line)) finish();
      continue;
    }
    if (annotation === 'NO TRANSACTION') isTransactional = false;
    else if (annotation === 'STATEMENTBEGIN') {
      if (isBlock || direction === undefined) fail('StatementBegin must come after Up or Down, and not within another one');
      isBlock = true;
    } else if (annotation === 'STATEMENTEND') {
      if (!isBlock) fail('StatementEnd has no StatementBegin');
      isBlock = false;
      finish();
    } else if (annotation === 'UP' || annotation === 'DOWN') {
      if (isBlock || buffer.length > 0) fail('the statement before it has no end: a line that ends in ";", or StatementEnd');
      direction = annotation === 'UP' ? 'up' : 'down';
    } else if (!annotation.startsWith('ENVSUB'))
      fail(`"+goose ${annotation}" is none of Up, Down, StatementBegin, StatementEnd, NO TRANSACTION`);
  }
  if (isBlock || buffer.length > 0)
    throw invalid(file, text.split('\n').length, 'the last statement has no end: a line that ends in ";", or StatementEnd');
  if (direction === undefined) throw invalid(file, 1, 'it has no "-- +goose Up"');
  return { version, file, ...statements, isTransactional };
}

/** The text of a migration file. Statements with a line that ends in `;` within are put between StatementBegin and StatementEnd. */
export function toGooseFile(up: readonly string[], down: readonly string[]): string {
  const write = (statement: string): string =>
    /;\s*(?:--.*)?$/m.test(statement) || /^\s*--/m.test(statement)
      ? `-- +goose StatementBegin\n${statement};\n-- +goose StatementEnd\n`
      : `${statement};\n`;
  return `-- +goose Up\n${up.map(write).join('\n')}\n-- +goose Down\n${down.map(write).join('\n')}`;
}

function invalid(file: string, line: number, detail: string): SekishoError {
  const text = `${file}:${line}: ${detail}`;
  return new SekishoError('MIGRATION_INVALID', text, { errors: [{ pointer: `${file}:${line}:1`, detail }] });
}
