import { toDot } from '../../schema/dot.ts';
import { toMarkdown } from '../../schema/markdown.ts';
import { toOpenApi } from '../../schema/openapi.ts';
import type { ViewAccess } from '../../schema/schema-view.ts';
import type { ResourceType } from '../../schema/types.ts';
import { toTypeScript } from '../../schema/typescript.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toOutput } from '../output.ts';
import { readForRole } from '../read-for-role.ts';
import { outputFileOf, toOutputParts, writeOutput } from '../split-output.ts';

const DEFAULT_TITLE = 'Sekisho';
const DEFAULT_VERSION = '0.1';

/** `openapi [FILE…]`: the OpenAPI document of the schemas, as the role of `--policy` sees them. */
export async function openapi(context: CommandContext): Promise<number> {
  const { flags } = context;
  if (flags.output === 'table') throw usageFailure("--output: found 'table', allowed are json, yaml");
  const { schemas, access } = readForRole(context);
  const description = flagText(flags, 'description');
  for (const part of toOutputParts(context, schemas)) {
    const document = toOpenApi(part.types, {
      title: flagText(flags, 'title') ?? DEFAULT_TITLE,
      version: flagText(flags, 'api-version') ?? DEFAULT_VERSION,
      ...(description !== undefined && { description }),
      access,
      groups: schemas.groups,
    });
    const file = outputFileOf(context, part, flags.output === 'yaml' ? '.yaml' : '.json');
    if (file === undefined) await context.print(document);
    else writeOutput(context, file, await toOutput(document, flags.output === 'yaml' || /\.ya?ml$/.test(file) ? 'yaml' : 'json'));
  }
  return 0;
}

/** `markdown [FILE…]`: the reference page of the schemas. */
export function markdown(context: CommandContext): Promise<number> {
  return writeText(context, '.md', (shown, access) =>
    toMarkdown(shown, { title: flagText(context.flags, 'title') ?? DEFAULT_TITLE, access }),
  );
}

/** `dot [FILE…]`: the schemas and their relations as a graph in Graphviz's language. */
export function dot(context: CommandContext): Promise<number> {
  return writeText(context, '.dot', toDot);
}

/** `types [FILE…]`: TypeScript types of the resources. */
export function types(context: CommandContext): Promise<number> {
  return writeText(context, '.ts', toTypeScript);
}

async function writeText(
  context: CommandContext,
  extension: string,
  make: (shown: readonly ResourceType[], access: ViewAccess) => string,
): Promise<number> {
  const { schemas, access } = readForRole(context);
  for (const part of toOutputParts(context, schemas))
    writeOutput(context, outputFileOf(context, part, extension), `${make(part.types, access).trimEnd()}\n`);
  return await Promise.resolve(0);
}
