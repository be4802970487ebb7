/** The events of the operations, in their order. */
const OPERATIONS = ['list', 'show', 'create', 'update', 'delete'] as const;
const EVENTS = OPERATIONS.flatMap((name) => [`pre_${name}`, `pre_${name}_in_transaction`, `post_${name}_in_transaction`, `post_${name}`]);

/** One entry of the list `extensions`. */
export function extension(id: string, path: string, code: string, type = 'javascript'): string {
  const lines = code
    .trim()
    .split('\n')
    .map((line) => `    ${line}`);
  return [`- id: ${id}`, `  path: '${path}'`, `  code_type: ${type}`, '  code: |', ...lines, ''].join('\n');
}

/** A script of Gohan's kind that notes each event in `context.trace`, and shows the notes in the answer. */
export const GOHAN_TRACE = `
${JSON.stringify(EVENTS)}.forEach(function (event) {
  gohan_register_handler(event, function (context) {
    context.trace = (context.trace || []).concat([event]);
    if (/^post_(?!.*_in_transaction)/.test(event) && context.response) { context.response.trace = context.trace; }
    if (event === "post_delete_in_transaction") {
      gohan_db_create(context.transaction, "mark", {id: context.id, text: context.trace.join(" ")});
    }
  });
});
`;

/** The same as a module. */
export const MODULE_TRACE = `
const step = (event) => async (context) => {
  context.trace = [...(context.trace ?? []), event];
  if (/^post_(?!.*_in_transaction)/.test(event) && context.response) context.response.trace = context.trace;
  if (event === 'post_delete_in_transaction') await context.tx.create('mark', { id: context.id, text: context.trace.join(' ') });
};
${EVENTS.map((event) => `export const ${toCamel(event)} = step('${event}');`).join('\n')}
`;

function toCamel(event: string): string {
  return event.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
