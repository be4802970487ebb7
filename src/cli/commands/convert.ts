import { convertDatabase } from '../../sql/convert.ts';
import { toDatabaseOptions } from '../../sql/database-options.ts';
import type { DatabaseOptions } from '../../sql/open-database.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toGivenDatabase } from '../given-database.ts';
import { createProgressBar } from '../progress-bar.ts';
import { readModelSettings, readSchemas } from '../read-schemas.ts';
import { needDatabase, tellingFailures, useDatabase } from '../with-database.ts';

/** `convert --in A --out B [FILE…]`: copies the rows of all schemas into another database, whose tables are made. */
export async function convert(context: CommandContext): Promise<number> {
  const { schemas } = readSchemas(context);
  const from = toEnd(context, 'in');
  const to = toEnd(context, 'out');
  if (from.type === to.type && from.connection === to.connection) throw usageFailure('--in and --out are the same database');
  const onProgress = createProgressBar(context.io);
  const copied = await tellingFailures(() =>
    useDatabase(from, context.io, (source) =>
      useDatabase(to, context.io, async (target) => {
        await target.prepare(schemas, { autoMigrate: true, cascadeDelete: false });
        return await convertDatabase({ from: source, to: target, schemas, onProgress });
      }),
    ),
  );
  context.io.out(`${copied} ${copied === 1 ? 'row' : 'rows'} copied\n`);
  return 0;
}

function toEnd(context: CommandContext, end: 'in' | 'out'): DatabaseOptions {
  const { flags, words, io } = context;
  const connection = flagText(flags, end);
  if (connection === undefined) {
    if (words.length > 0) throw usageFailure(`convert needs --${end} CONNECTION`);
    const model = readModelSettings(context);
    return toDatabaseOptions(needDatabase(model), model.folder);
  }
  return toGivenDatabase(connection, flagText(flags, `${end}-type`), io.cwd);
}
