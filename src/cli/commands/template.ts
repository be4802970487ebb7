import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { schemaViews } from '../../schema/schema-view.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { readForRole } from '../read-for-role.ts';
import { compileTemplate } from '../template.ts';

/** `template -t FILE [FILE…]`: prints a template that is filled with the schemas. */
export async function template(context: CommandContext): Promise<number> {
  const { flags, io } = context;
  const file = flagText(flags, 'template');
  if (file === undefined) throw usageFailure('template needs a template: --template FILE');
  const fill = compileTemplate(readText(resolve(io.cwd, file), file), file);
  const { schemas, access } = readForRole(context);
  const metaIds = new Set([...schemas.resources.values()].filter(({ isMeta }) => isMeta).map(({ id }) => id));
  const views = schemaViews(schemas, access).filter(({ id }) => !metaIds.has(String(id)));
  io.out(
    fill({
      schemas: views,
      schemasMap: Object.fromEntries(views.map((view) => [view['id'], view])),
      title: flagText(flags, 'title') ?? 'Sekisho',
      version: flagText(flags, 'api-version') ?? '0.1',
      description: flagText(flags, 'description') ?? '',
    }),
  );
  return await Promise.resolve(0);
}

function readText(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFailure(`the template ${file} can not be read: ${(error as Error).message}`);
  }
}
