import type { ViewAccess } from '../schema/schema-view.ts';
import type { SchemaSet } from '../schema/types.ts';
import { FULL_ACCESS } from '../schema/visible-type.ts';
import type { CommandContext } from './command.ts';
import { usageFailure } from './failure.ts';
import { flagText } from './flags.ts';
import { readSchemas } from './read-schemas.ts';
import { toRoleAccess } from './role-access.ts';

/** The schemas of a command and what the role of `--policy` may do with them; everything without that flag. Throws a `Failure`. */
export function readForRole(context: CommandContext): { readonly schemas: SchemaSet; readonly access: ViewAccess } {
  const { schemas } = readSchemas(context);
  const role = flagText(context.flags, 'policy');
  const scopes = flagText(context.flags, 'scope')?.split(',');
  if (role === undefined && scopes !== undefined) throw usageFailure('--scope needs --policy, the role whose scope it is');
  return { schemas, access: role === undefined ? FULL_ACCESS : toRoleAccess(schemas, role, scopes ?? []) };
}
