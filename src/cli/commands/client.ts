import { nearest } from '../../lib/nearest.ts';
import { CLIENT_RUNS, runAction } from '../client/client-commands.ts';
import { schemaHelp, schemaList } from '../client/client-help.ts';
import { parseClientWords } from '../client/client-options.ts';
import { connectClient } from '../client/client-server.ts';
import { fetchSchemas } from '../client/schema-cache.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';

/** `client [SCHEMA [COMMAND …]]`: works with the resources of the server's schemas. Without a command it prints help. */
export async function client({ words, io }: CommandContext): Promise<number> {
  const line = parseClientWords(words, io.env);
  const [schemaId, command, ...rest] = line.words;
  const server = connectClient(io, line.common.verbosity);
  const schemas = await fetchSchemas(server, io);
  if (schemaId === undefined) {
    io.out(schemaList(schemas));
    return 0;
  }
  const schema = schemas.find(({ id }) => id === schemaId);
  if (schema === undefined)
    throw notFound(
      schemaId,
      schemas.map(({ id }) => id),
    );
  if (command === undefined || command === 'help') {
    io.out(schemaHelp(schema));
    return 0;
  }
  const call = { schema, schemas, server, io, line: { ...line, words: rest } };
  const run = Object.hasOwn(CLIENT_RUNS, command) ? CLIENT_RUNS[command] : undefined;
  const action = schema.actions.find(({ id }) => id === command);
  if (run !== undefined) await run(call);
  else if (action !== undefined) await runAction(call, action);
  else throw notFound(command, [...Object.keys(CLIENT_RUNS), ...schema.actions.map(({ id }) => id)]);
  return 0;
}

function notFound(word: string, known: readonly string[]): Error {
  const meant = nearest(word, known);
  return usageFailure(`Command not found: '${word}'${meant ? `; did you mean ${meant}?` : ''}`, `known: ${known.join(', ')}`);
}
