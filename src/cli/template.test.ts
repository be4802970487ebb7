import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { compileTemplate } from './template.ts';

const fill = (text: string, values: Readonly<Record<string, unknown>> = {}): string => compileTemplate(text, 't')(values);

test('values, paths and filters', () => {
  const values = { a: { b: [{ c: 1 }] }, name: 'port_group', none: null };
  assert.equal(fill('x {{ a.b.0.c }} {{name|snake_to_camel}} {{ name | upper }}{{ none }}{{ a.q.z }}', values), 'x 1 PortGroup PORT_GROUP');
  assert.equal(fill('{{ a }} {{ a.b|length }} {{ none|json }}', values), '{"b":[{"c":1}]} 1 null');
});

test('loops over lists and maps, choices, notes; a line of tags alone leaves no line', () => {
  const text = `{# note #}
list:
{% for s in schemas %}
{% if s.parent %}
- {{ s.id }} of {{ s.parent }}
{% else %}
- {{ s.id }}{% if not s.title %} (no title){% endif %}

{% endif %}
{% endfor %}
{% for key, value in map %}{{ key }}={{ value }};{% endfor %}
`;
  const values = { schemas: [{ id: 'a' }, { id: 'b', parent: 'a' }], map: { x: 1, y: 2 } };
  assert.equal(fill(text, values), 'list:\n- a (no title)\n\n- b of a\nx=1;y=2;\n');
});

test('nothing of JavaScript is in reach', () => {
  assert.equal(fill('{{ a.constructor }}{{ a.__proto__ }}{{ a.length }}', { a: {} }), '');
  assert.equal(fill('{% for k, v in a %}{{ k }}{% endfor %}', { a: 'text' }), '');
});

test('what is wrong is told with file and line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['a\n{{ schma }}', /t:2: there is no 'schma'; did you mean schema\?/],
    ['{% if schema %}\n{% endif %}\n{{ schema|json5 }}', /t:3: unknown filter 'json5', known are json/],
    ['{% for s in schema %}', /t: the end is reached where {% endfor %} is missing/],
    ['{% while schema %}', /t:1: found {% while schema %}, allowed are for, if/],
    ['{{ schema.id() }}', /t:1: 'schema\.id\(\)' is no path/],
    ['{% endif %}', /t:1: found {% endif %}/],
  ];
  for (const [text, want] of cases)
    assert.throws(
      () => fill(text, { schema: {} }),
      (error) => error instanceof Failure && want.test(error.message),
      text,
    );
});
