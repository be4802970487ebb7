import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate, type TemplateOptions } from './compile-template.ts';
import { TemplateError } from './template-error.ts';

const fill = (text: string, values: Readonly<Record<string, unknown>> = {}, options: Partial<TemplateOptions> = {}): string =>
  compileTemplate(text, { file: 't', ...options })(values);

/** `[template, result]` with the same values. */
function check(values: Readonly<Record<string, unknown>>, cases: readonly (readonly [string, string])[]): void {
  for (const [text, want] of cases) assert.equal(fill(text, values), want, text);
}

test('values: paths, indexes, literals, sums', () => {
  check({ a: { b: [{ c: 1 }, 2] }, name: 'port_group', none: null, yes: true, n: 5, key: 'b' }, [
    ['x {{ a.b.0.c }} {{a.b[1]}} {{ a[key].1 }}{{ none }}{{ a.q.z }}', 'x 1 2 2'],
    ['{{ a.b }} {{ yes }} {{ not yes }} {{ "q\\"" }} {{ 1.5 }}', '[{"c":1},2] True False q" 1.5'],
    ['{{ n + 2 * 3 }} {{ (n + 2) * 3 }} {{ n % 3 }} {{ -n }} {{ n - 1 }} {{ "a" + n }}', '11 21 2 -5 4 a5'],
    ['{{ [1, "x", n]|join:"-" }}', '1-x-5'],
    ['{{ name|first }}{{ name|last }}{{ a.b|length }}', 'pp2'],
  ]);
});

test('conditions: elif, else, and, or, not, in, comparisons; names that are not there are false', () => {
  const text = '{% if n > 5 and n < 10 %}a{% elif n in list %}b{% elif "x" not in word or missing %}c{% else %}d{% endif %}';
  const values = { list: [1, 2], word: 'xyz' };
  assert.deepEqual(
    [6, 2, 20].map((n) => fill(text, { ...values, n })),
    ['a', 'b', 'd'],
  );
  assert.equal(fill(text, { n: 20, list: [], word: '' }), 'c');
  check({ a: 'x', b: 'x', empty: {}, zero: 0 }, [
    ['{% if a == b %}1{% endif %}{% if a != b %}2{% endif %}{% if a <> "y" %}3{% endif %}', '13'],
    ['{% if empty or zero or gone.far %}1{% else %}2{% endif %}', '2'],
    ['{% if not empty && !zero %}1{% endif %}{% if a || b %}2{% endif %}', '12'],
    ['{% ifequal a b %}1{% else %}2{% endifequal %}{% ifnotequal a "y" %}3{% endifnotequal %}', '13'],
    ['{% if a >= "x" and 2 <= 10 %}1{% endif %}', '1'],
  ]);
});

test('loops: lists, maps, loop variables, empty, reversed, sorted, cycle, ifchanged', () => {
  check(
    {
      list: ['b', 'a', 'c'],
      map: { y: 1, x: 2 },
      none: [],
      pairs: [
        ['p', 1],
        ['q', 2],
      ],
    },
    [
      ['{% for x in list %}{{ forloop.counter }}{{ x }}{% if not forloop.last %},{% endif %}{% endfor %}', '1b,2a,3c'],
      ['{% for x in list reversed %}{{ x }}{{ forloop.Revcounter0 }}{% endfor %}', 'c2a1b0'],
      ['{% for x in list sorted %}{{ x }}{% endfor %}', 'abc'],
      ['{% for k in map %}{{ k }}{% endfor %}{% for k, v in map sorted %}{{ k }}={{ v }};{% endfor %}', 'yxx=2;y=1;'],
      ['{% for i, x in list %}{{ i }}{{ x }}{% endfor %}{% for a, b in pairs %}{{ a }}{{ b }}{% endfor %}', '0b1a2cp1q2'],
      ['{% for x in none %}x{% empty %}nothing{% endfor %}', 'nothing'],
      ['{% for a in list %}{% for b in list %}{{ forloop.parentloop.counter0 }}{% endfor %}{% endfor %}', '000111222'],
      ['{% for x in list %}{% cycle "odd" "even" %} {% endfor %}', 'odd even odd '],
      ['{% for x in list %}{% cycle "o" "e" as row silent %}{{ row }}{% endfor %}', 'oeo'],
      [
        '{% for x in "aab"|make_list %}{% ifchanged %}{{ x }}{% endifchanged %}{% ifchanged x %}!{% else %}={% endifchanged %}{% endfor %}',
        'a!=b!',
      ],
      ['{% firstof none map.z "d" %}', 'd'],
    ],
  );
});

test('names: set, with, macro; what is set inside is not seen outside', () => {
  check({ a: 1 }, [
    ['{% set b = a + 1 %}{{ b }}{% if a %}{% set b = 9 %}{{ b }}{% endif %}{{ b }}', '292'],
    ['{% with a=2 c="x" %}{{ a }}{{ c }}{% endwith %}{{ a }}', '2x1'],
    ['{% with a as d %}{{ d }}{% endwith %}', '1'],
    ['{% macro hi(name, mark="!") %}Hi {{ name }}{{ mark }}{% endmacro %}{{ hi("Ann") }} {{ hi("Bo", mark="?") }}', 'Hi Ann! Hi Bo?'],
    ['{% macro down(n) export %}{{ n }}{% if n > 0 %}{{ down(n - 1) }}{% endif %}{% endmacro %}{{ down(3) }}', '3210'],
  ]);
  assert.throws(() => fill('{% macro on() %}{{ on() }}{% endmacro %}{{ on() }}'), /macros call one another more than 100 deep/);
});

test('other templates: include, import, extends with blocks', () => {
  const files: Readonly<Record<string, string>> = {
    part: '[{{ x|default:"none" }}]',
    macros: '{% macro b(t) %}<{{ t }}>{% endmacro %}{% macro c() %}c{% endmacro %}',
    base: 'A{% block one %}1{% endblock %}B{% block two %}2{% endblock %}C',
    middle: '{% extends "base" %}{% block one %}m{{ block.super }}{% endblock %}',
    self: '{{ n }}{% if n %}{% set n = n - 1 %}{% include "self" %}{% endif %}',
    loop: '{% include "loop" %}',
    circle: '{% extends "circle" %}',
  };
  const load: TemplateOptions['load'] = (name) => {
    const text = files[name];
    return text === undefined ? undefined : { text, file: name };
  };
  const filled = (text: string, values = {}): string => fill(text, values, { load });
  assert.equal(filled('{% include "part" %}{% include "part" with x=1 %}{% include part if_exists %}', { x: 5, part: 'nope' }), '[5][1]');
  assert.equal(filled('{% include "part" with y=1 only %}', { x: 5 }), '[none]');
  assert.equal(filled('{% import "macros" b, c as d %}{{ b("x") }}{{ d() }}'), '<x>c');
  assert.equal(filled('{% extends "middle" %}x{% block two %}own{% endblock %}'), 'Am1BownC');
  assert.equal(filled('{% include "self" %}', { n: 3 }), '3210');
  assert.throws(() => filled('{% include "loop" %}'), /more than 100 deep/);
  assert.throws(() => filled('{% extends "circle" %}'), /in a circle/);
  assert.throws(() => filled('{% include "gone" %}'), /t:1: there is no template 'gone'/);
});

test('text: white space, notes, verbatim, comment, filter, autoescape, spaceless', () => {
  check({ x: '<b>', list: [1, 2] }, [
    ['a\n  {%- if x -%}  \n b {%- endif %}\nc', 'ab\nc'],
    ['a {{- x -}} b', 'a<b>b'],
    ['{% for i in list %}\n{{ i }}\n{% endfor %}', '\n1\n\n2\n'],
    ['a{# note {{ x }} #}b{% comment %}{{ broken | }}{% if %}{% endcomment %}c', 'abc'],
    ['{% verbatim %}{{ x }}{% if %}{% endverbatim %}!', '{{ x }}{% if %}!'],
    ['{% filter upper|cut:"B" %}a{{ x }}{% endfilter %}', 'A<>'],
    [
      '{{ x }}{% autoescape on %}{{ x }}{{ x|safe }}{{ x|escape }}{% autoescape off %}{{ x }}{% endautoescape %}{% endautoescape %}',
      '<b>&lt;b&gt;<b>&lt;b&gt;<b>',
    ],
    ['{% spaceless %}<p>\n <b>x y</b> </p>{% endspaceless %}', '<p><b>x y</b></p>'],
    ['{% templatetag openblock %}{% widthratio 5 10 100 %}', '{%50'],
    ['{{ "}}" }}{{ "%}" }}', '}}%}'],
  ]);
});

test('filters and their arguments', () => {
  check({ n: 1234.5, list: [{ k: 'b' }, { k: 'a' }], text: "it's a <b>dog</b>", none: null, two: 2 }, [
    ['{{ missing|default:"d" }}{{ none|default_if_none:two }}{{ 0|default:7 }}', 'd27'],
    ['{{ 1|add:two }}{{ "a"|add:"b" }}{{ 4|divisibleby:2 }}', '3abTrue'],
    ['{% for x in list|dictsort:"k" %}{{ x.k }}{% endfor %}{% for x in list|dictsortreversed:"k" %}{{ x.k }}{% endfor %}', 'abba'],
    ['{{ n|floatformat:2 }} {{ 3|floatformat:-2 }} {{ n|integer }} {{ "2.5"|float }}', '1234.50 3 1234 2.5'],
    ['{{ text|striptags|title }}|{{ text|truncatewords:2 }}|{{ "abcdefgh"|truncatechars:6 }}', "It's A Dog|it's a ...|abc..."],
    [
      '{{ "a,b"|split:","|join:"+" }} {{ "abcd"|slice:"1:3" }} {{ "x"|ljust:3 }}|{{ "x"|rjust:3 }}|{{ "x"|center:3 }}',
      'a+b bc x  |  x| x ',
    ],
    ['{{ 1|pluralize }}{{ 2|pluralize }}{{ 2|pluralize:"y,ies" }}{{ list|pluralize }}', 'siess'],
    ['{{ none|yesno:"y,n,m" }}{{ two|yesno }}', 'myes'],
    ['{{ 3|stringformat:"%03d" }} {{ "x"|stringformat:"-3s" }}| {{ 2|stringformat:".1f" }}', '003 x  | 2.0'],
    [
      '{{ "port_group"|snake_to_camel }} {{ "Ärger im Café!"|slugify }} {{ 1536|filesizeformat }} {{ "a b/c"|urlencode }}',
      'PortGroup arger-im-cafe 1.5 KB a%20b%2Fc',
    ],
    ['{{ text|cut:"<b>"|capfirst|wordcount }} {{ 123|get_digit:1 }} {{ "a\nb"|linebreaksbr }} {{ none|json }}', '3 3 a<br />b null'],
  ]);
});

test('nothing of JavaScript is in reach', () => {
  check({ a: {}, list: [], text: 'x' }, [
    ['{{ a.constructor }}{{ a.__proto__ }}{{ a.length }}{{ list.length }}{{ list.map }}{{ text.constructor }}', ''],
    ['{% for k, v in text %}{{ k }}{{ v }}{% endfor %}', '0x'],
  ]);
  assert.throws(() => fill('{{ a.toString() }}', { a: {} }), /only macros can be called/);
});

test('what is wrong is told with file and line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['a\n{{ schma }}', /^t:2: there is no 'schma'; did you mean schema\?/],
    ['{% if schema %}\n{% endif %}\n{{ schema|uper }}', /^t:3: unknown filter 'uper'; did you mean upper\?/],
    ['\n{% for s in schema %}', /^t:2: the end is reached where {% endfor %} is missing/],
    ['{% while schema %}', /^t:1: found {% while schema %}, allowed here are if, /],
    ['{% endif %}', /^t:1: found {% endif %}/],
    ['{{ schema }', /^t:1: {{ is not closed by }}/],
    ['{% for x of schema %}{% endfor %}', /^t:1: expected 'in', found 'of'/],
    ['{{ schema schema }}', /^t:1: found 'schema' behind the end/],
    ['{{ "x }}', /^t:1: '"x' can not be read/],
    ['{% if %}{% endif %}', /^t:1: expected a value, found the end/],
    ['{% for x in schema shuffled %}{% endfor %}', /allowed behind a list are reversed and sorted/],
    ['{% block a %}{% endblock %}{% block a %}{% endblock %}', /there is a block 'a' already/],
  ];
  for (const [text, want] of cases)
    assert.throws(
      () => fill(text, { schema: {} }),
      (error) => error instanceof TemplateError && want.test(error.message),
      text,
    );
});
