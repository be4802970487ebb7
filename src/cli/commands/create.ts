import type { CommandContext } from '../command.ts';
import { parseEntityWords } from '../entity-words.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import type { CliKind } from '../kinds.ts';
import { waitQuery } from '../wait-query.ts';

const REDACTED = '**redacted**';

/** `<kind> create`: puts the entity of the words and prints what was sent, secrets hidden. */
export async function create(kind: CliKind, context: CommandContext): Promise<number> {
  const { words, flags, given, io } = context;
  const hasNamespace = kind.fields.some((field) => field.name === 'namespace');
  if (!hasNamespace && given.has('namespace')) throw usageFailure(`--namespace has no meaning for ${kind.plural}`);
  const entity = parseEntityWords(words, {
    fields: kind.fields,
    cwd: io.cwd,
    ...(hasNamespace && { defaults: { namespace: flagText(flags, 'namespace') } }),
  });
  await context.call({ method: 'PUT', path: `/api/v1/${kind.word}`, query: waitQuery(flags), body: entity });
  await context.print(toPrinted(kind, entity));
  return 0;
}

/** DGate's shape: fields in the kind's order, `namespace` always there (empty: the server's default). */
function toPrinted(kind: CliKind, entity: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const printed: Record<string, unknown> = {};
  for (const { name, isSecret } of kind.fields) {
    if (entity[name] !== undefined) printed[name] = isSecret ? REDACTED : entity[name];
    else if (name === 'namespace') printed[name] = '';
  }
  return printed;
}
