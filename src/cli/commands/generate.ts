import { toDot } from '../../schema/dot.ts';
import { toMarkdown } from '../../schema/markdown.ts';
import { toOpenApi } from '../../schema/openapi.ts';
import type { ViewAccess } from '../../schema/schema-view.ts';
import type { SchemaSet } from '../../schema/types.ts';
import { toTypeScript } from '../../schema/typescript.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { readForRole } from '../read-for-role.ts';

const DEFAULT_TITLE = 'Sekisho';
const DEFAULT_VERSION = '0.1';

/** `openapi [FILE…]`: prints the OpenAPI document of the schemas, as the role of `--policy` sees them. */
export async function openapi(context: CommandContext): Promise<number> {
  if (context.flags.output === 'table') throw usageFailure("--output: found 'table', allowed are json, yaml");
  const { schemas, access } = readForRole(context);
  const description = flagText(context.flags, 'description');
  await context.print(
    toOpenApi(schemas.resources.values(), {
      title: flagText(context.flags, 'title') ?? DEFAULT_TITLE,
      version: flagText(context.flags, 'api-version') ?? DEFAULT_VERSION,
      ...(description !== undefined && { description }),
      access,
      groups: schemas.groups,
    }),
  );
  return 0;
}

/** `markdown [FILE…]`: prints the reference page of the schemas. */
export function markdown(context: CommandContext): Promise<number> {
  return printText(context, (schemas, access) =>
    toMarkdown(schemas.resources.values(), { title: flagText(context.flags, 'title') ?? DEFAULT_TITLE, access }),
  );
}

/** `dot [FILE…]`: prints the schemas and their relations as a graph in Graphviz's language. */
export function dot(context: CommandContext): Promise<number> {
  return printText(context, (schemas, access) => toDot(schemas.resources.values(), access));
}

/** `types [FILE…]`: prints TypeScript types of the resources. */
export function types(context: CommandContext): Promise<number> {
  return printText(context, (schemas, access) => toTypeScript(schemas.resources.values(), access));
}

async function printText(context: CommandContext, make: (schemas: SchemaSet, access: ViewAccess) => string): Promise<number> {
  const { schemas, access } = readForRole(context);
  context.io.out(`${make(schemas, access).trimEnd()}\n`);
  return await Promise.resolve(0);
}
