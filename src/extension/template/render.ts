import { evaluateTemplate, isTemplateFunction } from './evaluate.ts';
import type { Template } from './nodes.ts';
import { parseTemplate } from './parser.ts';

const CACHED = 50;
const cache = new Map<string, Template>();

/** What a template of Go's `text/template` prints with JSON data; throws a TemplateError with line and column. */
export function renderTemplate(source: string, data: unknown): string {
  let template = cache.get(source);
  if (template === undefined) {
    template = parseTemplate(source, isTemplateFunction);
    if (cache.size >= CACHED) cache.delete(cache.keys().next().value ?? '');
    cache.set(source, template);
  }
  return evaluateTemplate(template, data);
}
