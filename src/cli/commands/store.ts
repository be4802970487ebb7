import { SekishoError } from '../../lib/errors.ts';
import type { CommandContext } from '../command.ts';
import { Failure, usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toStartFailure } from '../start-failure.ts';

/** `store migrate --from CONFIG --to CONFIG`: moves everything that one store holds into another, and tells how much it was. */
export async function store(context: CommandContext): Promise<number> {
  const { words, flags, io } = context;
  if (words.length !== 1 || words[0] !== 'migrate') throw usageFailure(`store: found '${words.join(' ')}', allowed is migrate`);
  const [from, to] = [flagText(flags, 'from'), flagText(flags, 'to')];
  if (!from || !to) throw usageFailure('store migrate needs --from CONFIG and --to CONFIG: files whose section `storage` names the stores');
  const { moveStores } = await import('../../server/move-stores.ts');
  try {
    const moved = await moveStores({ from, to, mayReplace: flags.force === true, env: io.env, cwd: io.cwd });
    await context.print(moved, 'yaml');
    return 0;
  } catch (error) {
    if (!(error instanceof SekishoError) || error.code.startsWith('CONFIG_')) throw toStartFailure(error);
    throw new Failure(1, `sekisho: ${error.message} (${error.code})`);
  }
}
