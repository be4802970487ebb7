import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderTemplate } from './render.ts';

const DATA = {
  name: 'net',
  count: 3,
  ratio: 0.5,
  on: true,
  nothing: null,
  tags: ['a', 'b'],
  empty: [],
  owner: { id: 'u1', roles: ['x', 'y'] },
  rows: [{ id: 1 }, { id: 2 }, { id: 3 }],
};

/** Outputs as Go 1.22 prints them. */
const CASES: readonly (readonly [template: string, printed: string])[] = [
  ['plain', 'plain'],
  ['Hello {{.name}}!', 'Hello net!'],
  ['{{.owner.id}} {{$.count}}', 'u1 3'],
  ['{{.missing}}|{{.nothing}}', '<no value>|<no value>'],
  ['{{.tags}} {{.owner}} {{.on}} {{.ratio}}', '[a b] map[id:u1 roles:[x y]] true 0.5'],
  ['{{/* no */}}a{{- /* trimmed */ -}} b', 'ab'],
  ['a  {{- .count -}}  b', 'a3b'],
  ['{{if .on}}yes{{else}}no{{end}}{{if .empty}}yes{{else}}no{{end}}', 'yesno'],
  ['{{if eq .count 1}}1{{else if eq .count 3}}3{{else}}?{{end}}', '3'],
  ['{{with .owner}}{{.id}}{{end}}{{with .empty}}x{{else}}none{{end}}{{with .nothing}}{{else with .name}}{{.}}{{end}}', 'u1nonenet'],
  ['{{range .tags}}<{{.}}>{{end}}{{range .empty}}x{{else}}none{{end}}', '<a><b>none'],
  ['{{range $i, $tag := .tags}}{{if $i}}, {{end}}{{$i}}={{$tag}}{{end}}', '0=a, 1=b'],
  ['{{range $key, $value := .owner}}{{$key}}={{$value}};{{end}}', 'id=u1;roles=[x y];'],
  ['{{range .rows}}{{if eq .id 2}}{{continue}}{{end}}{{.id}}{{if eq .id 3}}{{break}}{{end}}{{end}}', '13'],
  ['{{$sum := 0}}{{range .rows}}{{$sum = .id}}{{end}}{{$sum}}', '3'],
  ['{{$x := "outer"}}{{if .on}}{{$x := "inner"}}{{$x}}{{end}}{{$x}}', 'innerouter'],
  ['{{.name | printf "%s-%d" "v" | len}}', String('v-%!d(string=net)'.length)],
  ['{{printf "%05.1f|%-4s|%4d|%q|%x|%v|%t|%c|%%" 3.14159 "ab" 42 "q" 255 .tags true 65}}', '003.1|ab  |  42|"q"|ff|[a b]|true|A|%'],
  ['{{printf "%d %s" 1}}{{printf "%d" 1 2}}', '1 %!s(MISSING)1%!(EXTRA int=2)'],
  ['{{len .tags}}{{len .name}}{{len "é"}}{{len .owner}}', '2322'],
  ['{{index .tags 1}}{{index .owner "roles" 0}}{{index .rows 2}}', 'bxmap[id:3]'],
  ['{{slice .name 1 2}}{{slice .tags 1}}', 'e[b]'],
  ['{{and .on .name}} {{or .nothing .name}} {{not .on}} {{and .empty .missing.deep}}', 'net net false []'],
  ['{{eq .name "a" "net"}}{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt "b" "a"}}{{ge 1 2}}', 'truetruetruetruetruefalse'],
  ['{{print 1 2 "a" 3}} {{println "x" 1}}', '1 2a3 x 1\n'],
  ['{{html "<a href=\\"x\\">"}} {{js "a\'b"}} {{urlquery "a b&c"}}', "&lt;a href=&#34;x&#34;&gt; a\\'b a+b%26c"],
  ['{{define "row"}}[{{.id}}]{{end}}{{range .rows}}{{template "row" .}}{{end}}', '[1][2][3]'],
  ['{{block "b" .owner}}{{.id}}{{end}}', 'u1'],
  ['{{(index .rows 0).id}}{{(printf "%s" .name) | len}}', '13'],
  ['{{`raw "text"`}}{{"\\u00e9\\n"}}{{\'a\'}}{{0x1F}}{{-3}}{{1.5e3}}', 'raw "text"é\n9731-31500'],
  ['{{range $i, $_ := .tags}}{{$i}}{{end}}{{with $x := .name}}{{$x}}{{end}}', '01net'],
  ['{{1e21}} {{0.00001}}', '1e+21 1e-05'],
];

const FAILURES: readonly (readonly [template: string, message: RegExp])[] = [
  ['a\n  {{.a', /^template:2:3: unclosed action$/],
  ['{{if .on}}', /^template:1:6: \{\{if\}\} has no \{\{end\}\}$/],
  ['{{end}}', /^template:1:3: unexpected \{\{end\}\}$/],
  ['{{nope .a}}', /^template:1:3: function "nope" not defined$/],
  ['{{$x}}', /undefined variable "\$x"/],
  ['{{/* x', /unclosed comment/],
  ['{{"abc}}', /unterminated quoted string/],
  ['{{.name.first}}', /^template:1:3: can't evaluate field first in type string$/],
  ['{{.missing.first}}', /nil pointer evaluating interface \{\}\.first/],
  ['{{index .tags 5}}', /^template:1:3: error calling index: index out of range: 5$/],
  ['{{lt 1 "a"}}', /incompatible types for comparison/],
  ['{{len 3}}', /error calling len: len of type int/],
  ['{{range .name}}{{end}}', /range can't iterate over net/],
  ['{{template "x"}}', /template "x" not defined/],
  ['{{define "r"}}{{template "r"}}{{end}}{{template "r"}}', /exceeded maximum template depth/],
  ['{{break}}', /\{\{break\}\} outside \{\{range\}\}/],
  ['{{(1}}', /unclosed left paren/],
  ['{{1 | 2}}', /non executable command in pipeline stage 2/],
  ['{{.a}.b}}', /unexpected "\}" in action/],
  ['{{}}', /missing value for command/],
  ['{{.constructor.name}}', /nil pointer/],
];

describe('templates of Go', () => {
  for (const [template, printed] of CASES) test(template, () => assert.equal(renderTemplate(template, DATA), printed));
});

describe('what is wrong is told with its place', () => {
  for (const [template, message] of FAILURES)
    test(template, () => assert.throws(() => renderTemplate(template, DATA), { name: 'TemplateError', message }));
});
