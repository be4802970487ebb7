import type { CommandContext } from '../command.ts';
import { parseCommandWords } from '../command-words.ts';
import { toData } from '../to-data.ts';

/** `explain`: prints which domain, namespace and route a request would match, and why the others do not. */
export async function explain(context: CommandContext): Promise<number> {
  const { host, path, method = 'GET' } = parseCommandWords('explain', context);
  const answer = await context.call({ method: 'GET', path: '/api/v1/explain', query: { host, method, path } });
  await context.print(toData(answer), 'yaml');
  return 0;
}
