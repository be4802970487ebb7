/** What is wrong with a template, with its place: `file:line: detail`. */
export class TemplateError extends Error {
  constructor(file: string, line: number, detail: string) {
    super(`${file}:${line}: ${detail}`);
    this.name = 'TemplateError';
  }
}
