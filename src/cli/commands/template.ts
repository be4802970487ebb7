import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { compileTemplate, type Template } from '../../template/compile-template.ts';
import { TemplateError } from '../../template/template-error.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { readForRole } from '../read-for-role.ts';
import { outputFileOf, toOutputParts, writeOutput } from '../split-output.ts';
import { SCHEMA_FILTERS } from '../template-filters.ts';
import { toTemplateSchemas } from '../template-values.ts';

/** `template -t FILE [FILE…]`: a template that is filled with the schemas, printed or written to files. */
export async function template(context: CommandContext): Promise<number> {
  const { flags, io } = context;
  const file = flagText(flags, 'template');
  if (file === undefined) throw usageFailure('template needs a template: --template FILE');
  const fill = withPlace(() => compile(io.cwd, file));
  const { schemas, access } = readForRole(context);
  const all = toTemplateSchemas(schemas.resources.values(), schemas, access);
  const byId = new Map(all.map((one) => [one['id'], one]));
  for (const part of toOutputParts(context, schemas)) {
    const own = part.types.flatMap(({ id }) => byId.get(id) ?? []);
    // Nothing of it is for the role.
    if (own.length === 0 && part.name !== 'all') continue;
    const text = withPlace(() =>
      fill({
        schemas: own,
        schemasMap: Object.fromEntries(byId),
        schema: part.type === undefined ? null : (own[0] ?? null),
        title: flagText(flags, 'title') ?? 'Sekisho',
        version: flagText(flags, 'api-version') ?? '0.1',
        description: flagText(flags, 'description') ?? '',
        resource_group: part.name,
      }),
    );
    writeOutput(context, outputFileOf(context, part, '.json'), text);
  }
  return await Promise.resolve(0);
}

/** Templates that it names are beside it. */
function compile(cwd: string, file: string): Template {
  const paths = new Map([[file, resolve(cwd, file)]]);
  return compileTemplate(readText(resolve(cwd, file), file), {
    file,
    filters: SCHEMA_FILTERS,
    load(name, from) {
      const path = resolve(dirname(paths.get(from) ?? resolve(cwd, file)), name);
      try {
        const text = readFileSync(path, 'utf8');
        paths.set(path, path);
        return { text, file: path };
      } catch {
        return undefined;
      }
    },
  });
}

function withPlace<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) throw usageFailure(error.message);
    throw error;
  }
}

function readText(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFailure(`the template ${file} can not be read: ${(error as Error).message}`);
  }
}
