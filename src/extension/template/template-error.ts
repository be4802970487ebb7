/** What is wrong with a template, and where: `template:3:14: unexpected "}" in operand`. Lines and columns count from 1. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';

  constructor(source: string, at: number, problem: string) {
    const before = source.slice(0, at).split('\n');
    super(`template:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${problem}`);
  }
}
