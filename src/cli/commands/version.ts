import { VERSION } from '../../lib/version.ts';
import type { CommandContext } from '../command.ts';

/** `version`: prints the version of the program. */
export async function version(context: CommandContext): Promise<number> {
  context.io.out(`sekisho version ${VERSION}\n`);
  return 0;
}
