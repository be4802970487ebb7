import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cursor, createCursor, type Reading } from './cursor.ts';
import { parseSource } from './parse-source.ts';
import { createPlaces } from './places.ts';
import { collectProblems } from './problems.ts';
import { splitSource } from './split-source.ts';

const item = (n: number, indent: string): string =>
  [
    `- id: s${n} # comment`,
    `  description: |`,
    `    - not an item`,
    ``,
    `    schemas:`,
    `  schema: { properties: { id: { type: string,`,
    `    title: "two`,
    `    lines" } } }`,
  ]
    .map((line) => (line === '' ? line : indent + line))
    .join('\n');

const large = (indent: string): string =>
  `# head\nnetworks: []\nschemas: # many\n\n${Array.from({ length: 400 }, (_, n) => item(n, indent)).join('\n')}\npolicies:\n- {id: p}\n\n# end\nextensions: [{id: x,\n  code: y}]\n`;

/** Every value with its place. */
function walk(cursor: Cursor): string[] {
  const { line, column } = cursor.place;
  const inner = [...cursor.entries().map(([, child]) => child), ...cursor.items()].flatMap(walk);
  return [`${cursor.path} ${line}:${column} ${typeof cursor.value === 'object' ? '' : String(cursor.value)}`, ...inner];
}

function parse(text: string): { value: unknown; walked: string[]; errors: readonly unknown[] } {
  const reading: Reading = { places: createPlaces(), problems: collectProblems() };
  const value = parseSource(text, 'x.yaml', 0, reading);
  return {
    value,
    walked: walk(createCursor(value, '', { file: 'x.yaml', order: 0, line: 1, column: 1 }, reading)),
    errors: reading.problems.errors(),
  };
}

for (const indent of ['', '  ']) {
  test(`a large text is read by parts as it is read whole, items indented by ${indent.length}`, () => {
    const text = large(indent);
    assert.ok((splitSource(text)?.length ?? 0) > 3);
    const whole = text.replace('# end', '# &x');
    assert.equal(splitSource(whole), undefined);
    assert.deepEqual(parse(text), parse(whole));
  });
}

test('an error in a part is told as it is in the whole', () => {
  const text = large('').replace('- id: s300 # comment', '- id: s300\n  id: twice');
  const { errors, value } = parse(text);
  assert.equal(value, undefined);
  assert.deepEqual(errors, parse(text.replace('# end', '# &x')).errors);
  assert.equal(errors.length, 1);
});

test('texts that can not be cut are read whole', () => {
  for (const head of ['---\n', 'x: &a 1\n', 'networks: []\nnetworks: []\n', '- a\n', '"schemas2": []\n'])
    assert.equal(splitSource(head + large('')), undefined, head);
  assert.equal(splitSource('schemas: []'), undefined);
});
