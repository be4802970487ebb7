import { parseExpression } from './expression.ts';
import { type Node, parseFilterChain, type Reader, type TagReader, toOutput } from './reader.ts';
import { withRender } from './scope.ts';
import { SafeText, toNumber } from './values.ts';
import { describe, type Words } from './words.ts';

/** Tags that change the text inside of them, or write some. */
export const TEXT_TAGS: Readonly<Record<string, TagReader>> = {
  comment: (_, reader) => {
    reader.skip('endcomment');
    return () => '';
  },
  filter: readFilter,
  autoescape: readAutoescape,
  spaceless: (_, reader) => {
    const { body } = reader.until('endspaceless');
    return (scope) => body(scope).trim().replaceAll(/>\s+</g, '><');
  },
  templatetag: readTemplateTag,
  widthratio: readWidthRatio,
};

function readFilter(words: Words, reader: Reader): Node {
  const change = parseFilterChain(words, reader.language);
  const { body } = reader.until('endfilter');
  return (scope) => toOutput(change(new SafeText(body(scope)), scope), scope);
}

function readAutoescape(words: Words, reader: Reader): Node {
  const isOn = words.take('on') || words.take('true');
  if (!isOn && !words.take('off') && !words.take('false')) throw words.fail(`autoescape is on or off, found ${describe(words.peek())}`);
  const { body } = reader.until('endautoescape');
  return (scope) => body(withRender(scope, { isEscaping: isOn }));
}

const TEMPLATE_TAGS: Readonly<Record<string, string>> = {
  openblock: '{%',
  closeblock: '%}',
  openvariable: '{{',
  closevariable: '}}',
  openbrace: '{',
  closebrace: '}',
  opencomment: '{#',
  closecomment: '#}',
};

function readTemplateTag(words: Words): Node {
  const name = words.name('the name of a sign');
  const sign = Object.hasOwn(TEMPLATE_TAGS, name) ? TEMPLATE_TAGS[name] : undefined;
  if (sign === undefined) throw words.fail(`templatetag: found '${name}', allowed are ${Object.keys(TEMPLATE_TAGS).join(', ')}`);
  return () => sign;
}

/** `widthratio value most width`. */
function readWidthRatio(words: Words, { language }: Reader): Node {
  const [value, most, width] = [parseExpression(words, language), parseExpression(words, language), parseExpression(words, language)];
  return (scope) => {
    const whole = toNumber(most(scope));
    return whole === 0 ? '0' : String(Math.round((toNumber(value(scope)) / whole) * toNumber(width(scope))));
  };
}
