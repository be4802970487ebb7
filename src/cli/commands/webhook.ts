import { nearest } from '../../lib/nearest.ts';
import type { CommandContext } from '../command.ts';
import { parseCommandWords } from '../command-words.ts';
import { usageFailure } from '../failure.ts';
import { toData } from '../to-data.ts';
import { WEBHOOK_WORDS } from '../webhook-words.ts';

type Run = (context: CommandContext) => Promise<number>;
type Row = Readonly<Record<string, unknown>>;

const PATH = '/api/v1/sync/webhooks';
/** Most ids that the admin API takes at once. */
const MAX_IDS = 500;

const RUNS: Readonly<Record<(typeof WEBHOOK_WORDS)[number], Run>> = {
  list,
  show,
  retry: (context) => change(context, 'retry', { method: 'POST', path: '/retry' }),
  drop: (context) => change(context, 'drop', { method: 'DELETE', path: '' }),
};

/** `webhook WORD …`: shows the receivers of webhooks and what they did not take, sends that again or deletes it. */
export async function webhook(context: CommandContext): Promise<number> {
  const [word = 'list', ...words] = context.words;
  const known = WEBHOOK_WORDS.find((one) => one === word);
  if (known !== undefined) return await RUNS[known]({ ...context, words });
  const meant = nearest(word, WEBHOOK_WORDS);
  throw usageFailure(`webhook: found '${word}', allowed is one of ${WEBHOOK_WORDS.join(', ')}${meant ? `; did you mean ${meant}?` : ''}`);
}

async function list(context: CommandContext): Promise<number> {
  const [name, ...keys] = context.words;
  if (name === undefined) {
    const rows = toData(await context.call({ method: 'GET', path: PATH })) as readonly Row[];
    await context.print(isTable(context) ? rows.map(toReceiverRow) : rows, 'table');
    return 0;
  }
  checkName(name);
  const { limit = '100', after = '0' } = parseCommandWords('webhook', { ...context, words: keys });
  const rows = toData(await context.call({ method: 'GET', path: lettersOf(name), query: { limit, after } })) as readonly Row[];
  await context.print(isTable(context) ? rows.map(toLetterRow) : rows, 'table');
  const last = rows.at(-1)?.['id'];
  if (rows.length === Number(limit)) context.io.err(`there may be more: sekisho webhook list ${name} after=${String(last)}\n`);
  return 0;
}

async function show(context: CommandContext): Promise<number> {
  const [name = '', id, ...more] = context.words;
  checkName(name);
  if (id === undefined || more.length > 0)
    throw usageFailure(`webhook show needs the id of one dead letter; sekisho webhook list ${name} lists them`);
  await context.print(toData(await context.call({ method: 'GET', path: `${lettersOf(name)}/${toId(id)}` })), 'yaml');
  return 0;
}

async function change(context: CommandContext, word: string, call: { readonly method: string; readonly path: string }): Promise<number> {
  const [name = '', ...words] = context.words;
  checkName(name);
  if (words.length === 0) throw usageFailure(`webhook ${word} needs ids of dead letters, or all; sekisho webhook list ${name} lists them`);
  const isAll = words.includes('all');
  if (isAll && words.length > 1) throw usageFailure(`webhook ${word}: found all and ids; give one of them`);
  const ids = isAll ? undefined : [...new Set(words.map(toId))];
  if (ids !== undefined && ids.length > MAX_IDS) throw usageFailure(`webhook ${word}: found ${ids.length} ids, at most ${MAX_IDS} at once`);
  const answer = await context.call({
    method: call.method,
    path: lettersOf(name) + call.path,
    ...(ids !== undefined && { body: { ids } }),
  });
  const { count } = toData(answer) as { readonly count: number };
  await context.print({ count }, 'yaml');
  if (ids === undefined || count === ids.length) return 0;
  context.io.err(`${ids.length - count} of ${ids.length} ids are no dead letters of ${name}: delivered since, waiting again, or deleted\n`);
  return 1;
}

/** Unless a program is to read it all. */
function isTable({ flags }: CommandContext): boolean {
  return flags.output === undefined || flags.output === 'table';
}

function toReceiverRow({ receiver, waiting, oldest, dead, isConfigured }: Row): Row {
  return {
    receiver,
    waiting,
    oldest: Number(oldest) > 0 ? toTime(Number(oldest)) : '',
    dead,
    configured: isConfigured === true ? 'yes' : 'no',
  };
}

function toLetterRow({ id, type, path, version, attempts, diedAt, reason }: Row): Row {
  return { id, type, path, version, attempts, died: diedAt, reason };
}

function toTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

function lettersOf(name: string): string {
  return `${PATH}/${encodeURIComponent(name)}/dead-letters`;
}

function checkName(name: string): void {
  if (name === '') throw usageFailure('expected the name of a receiver; sekisho webhook list lists them');
}

function toId(word: string): number {
  if (/^\d{1,15}$/.test(word)) return Number(word);
  throw usageFailure(`found '${word}', expected the id of a dead letter, which is a number`);
}
