import type { BuiltinRow, Parameter } from './thread/gohan-parameter.ts';
import { BUILTIN_GROUPS } from './thread/gohan-table.ts';

const INTRO = `# Gohan's JavaScript

Scripts of Gohan run unchanged: \`extensions\` of schema files with \`code_type: javascript\`, their functions synchronous. New code is
better written in TypeScript. A script has global functions, exceptions and constants, and nothing else of its own: no files, no
processes, no timers.

- The language is that of Node 24, not ECMAScript 5 alone; lists are lists (\`push\` works), integers are numbers.
- Globals that a handler sets are forgotten at the end of its request; what scripts set while they load stays, and what they reach
  (objects, lists, prototypes) is what it was again. That holds for \`var\`, functions and what is assigned without a declaration, which is all
  that Gohan's scripts could have. Top-level \`let\`, \`const\` and \`class\`, and variables inside of functions (closures), are not global:
  what a handler sets them to stays in its thread, where later requests find it or not. Keep what is to last in \`gohan_global\`.
- \`_\` is [underscore](https://underscorejs.org) 1.13.
- Wrong calls throw an \`Error\`: \`Expected 4 arguments in gohan_db_fetch call, 3 arguments given\`,
  \`Argument '5' should be of type 'string'\`.
- A transaction is \`context.transaction\` in events inside the transaction of the request, what \`gohan_db_transaction\` gives, or null: one
  for the call alone, committed at its end.
- What a call waits for counts against the time limit of the event; a client that leaves ends it.`;

const EXCEPTIONS = `## Exceptions

Thrown by a handler, they are the answer of the request. A message that is an object is the body of a status 200–299; otherwise it is the
text of the error. Types of your own inherit as in Gohan: \`CustomException.call(this, message, 499)\`, \`this.name = 'MyException'\`,
\`MyException.prototype = Object.create(CustomException.prototype)\`. Each has \`toDict()\` and \`toString()\`, which is \`Name(message)\`.

| exception | status |
|---|---|
| \`CustomException(message, code)\` | \`code\`; without one 500 |
| \`NotFoundException(message)\` | 404 |
| \`TimeOutException(message)\` | 503 |
| \`ResourceException(message, problem)\` | by the problem: 0 → 500, 1 and 2 → 400, 3 → 404, 4, 5 and 6 → 409, 7 → 401, 8 → 403, 9 → 400 |
| \`ExtensionException(message, inner_exception)\` | that of the inner one |
| \`BaseException()\`, types of your own | their \`code\`, else 400; it is the parent of all |

What counts is \`instanceof BaseException\`: an \`Error\` that only has the name of an exception is a defect. A code that is no status from
200 to 599, a success (200–299) whose message is no object, and a missing message are defects too.

After an exception the next handlers still run, and the last exception is the answer; any other error stops at once. Setting
\`context.response_code\` (with \`context.response\`) is the older way to throw a \`CustomException\`, at the end of the handler. Any other
error is a 500 with an id, under which the log has its stack.`;

/** The page docs/reference/gohan-javascript.md: every built-in, from the table that also checks their arguments. */
export function gohanReference(): string {
  const groups = Object.entries(BUILTIN_GROUPS).map(([title, rows]) => `## ${title}\n\n${groupTable(rows)}`);
  return `${[INTRO, ...groups, EXCEPTIONS].join('\n\n')}\n`;
}

function groupTable(rows: Readonly<Record<string, BuiltinRow>>): string {
  const lines = Object.entries(rows).map(([name, row]) => {
    const text = row.difference === undefined ? row.doc : `${row.doc} *${row.difference}*`;
    return `| \`${name}(${signature(row.parameters)})\` | ${cell(row.gives)} | ${cell(text)} |`;
  });
  return ['| function | gives | does (*unlike Gohan*) |', '|---|---|---|', ...lines].join('\n');
}

/** Optional parameters stand in brackets, with what counts without them. */
function signature(parameters: readonly Parameter[]): string {
  return parameters
    .map((parameter, place) => {
      const before = place === 0 ? '' : ', ';
      return 'default' in parameter ? `[${before}${parameter.name} = ${JSON.stringify(parameter.default)}]` : `${before}${parameter.name}`;
    })
    .join('');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
