import type { Filters } from './filter.ts';
import { FILTERS } from './filters.ts';
import { toTokens } from './lexer.ts';
import { type CompiledFile, createReader, type TemplateLanguage } from './reader.ts';
import { createScope } from './scope.ts';
import { FILE_TAGS, renderFile } from './tags-files.ts';
import { FLOW_TAGS } from './tags-flow.ts';
import { TEXT_TAGS } from './tags-text.ts';
import type { TemplateValues } from './values.ts';
import type { Words } from './words.ts';

/** Fills a compiled template. Throws a TemplateError for a name that there is not. */
export type Template = (values: TemplateValues) => string;

export interface TemplateOptions {
  /** Its name in errors, and what names of other templates are relative to. */
  readonly file: string;
  /** Further filters. */
  readonly filters?: Filters;
  /** The text of a template that `include`, `import` or `extends` names, and its own name; undefined when there is none. */
  readonly load?: TemplateLanguage['load'];
}

const MAX_NESTED_FILES = 50;

/**
 * Compiles a template of Django's language with what pongo2 added to it (macros, arithmetic). It reads its values and does nothing else; nothing is escaped unless
 * `autoescape` says so; a name that nothing has is an error outside of conditions. Throws a TemplateError with file and line.
 */
export function compileTemplate(text: string, options: TemplateOptions): Template {
  const language: TemplateLanguage = {
    filters: { ...FILTERS, ...options.filters },
    tags: { ...FLOW_TAGS, ...FILE_TAGS, ...TEXT_TAGS },
    load: options.load ?? (() => undefined),
  };
  const known = new Map<string, CompiledFile>();
  let nested = 0;

  const loadFile = (name: string, words: Words, from: string): CompiledFile => {
    const found = language.load(name, from);
    if (found === undefined) throw words.fail(`there is no template '${name}'`);
    const before = known.get(found.file);
    if (before !== undefined) return before;
    if (nested >= MAX_NESTED_FILES) throw words.fail('templates import or extend one another in a circle');
    nested += 1;
    const compiled = compile(found.text, found.file);
    nested -= 1;
    known.set(found.file, compiled);
    return compiled;
  };
  const compile = (source: string, file: string): CompiledFile => {
    const reader = createReader(toTokens(source, file), file, language, loadFile);
    const body = reader.rest();
    return { body, blocks: reader.blocks, definitions: reader.definitions, parent: reader.parent };
  };

  const root = compile(text, options.file);
  return (values) => renderFile(root, createScope(Object.entries(values), { isEscaping: false, blocks: new Map(), depth: 0 }));
}
