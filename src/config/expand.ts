import { spawnSync } from 'node:child_process';

export interface ExpandOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where commands run. */
  readonly cwd: string;
  /** What becomes of `$(command)`: run it, refuse the value, or leave it as it is. */
  readonly shell: 'run' | 'refuse' | 'keep';
  /** False leaves `${NAME}` as it is. */
  readonly variables: boolean;
}

/** An expanded text; `problem` says why it could not be expanded, `unset` which variables were empty and had no default. */
interface Expansion {
  readonly text: string;
  readonly problem?: string;
  readonly unset: readonly string[];
}

export type Expander = (text: string) => Expansion;

const VARIABLE = /\$\{([A-Za-z0-9_]+)(?::-([^}]*))?\}/g;
const COMMAND_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 1_048_576;

/**
 * Replaces `$(command)` by what it prints (trimmed) and then `${NAME}` and `${NAME:-default}` by the environment; an unset or empty variable without default
 * becomes an empty text. Anything else that has a `$` stays (DGate's rules).
 */
export function compileExpander(options: ExpandOptions): Expander {
  return (text) => {
    if (!text.includes('$')) return { text, unset: [] };
    const commands = options.shell === 'keep' ? { text } : expandCommands(text, options);
    if (commands.problem !== undefined || !options.variables) return { unset: [], ...commands };
    return expandVariables(commands.text, options.env);
  };
}

function expandVariables(text: string, env: NodeJS.ProcessEnv): Expansion {
  const unset: string[] = [];
  const expanded = text.replace(VARIABLE, (_, name: string, fallback: string | undefined) => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    if (value === undefined && fallback === undefined) unset.push(name);
    return fallback ?? '';
  });
  return { text: expanded, unset };
}

function expandCommands(text: string, options: ExpandOptions): { readonly text: string; readonly problem?: string } {
  let expanded = '';
  let from = 0;
  for (let start = text.indexOf('$('); start >= 0; start = text.indexOf('$(', from)) {
    const end = closingParenthesis(text, start + 2);
    if (end < 0) break;
    const command = text.slice(start + 2, end);
    if (options.shell === 'refuse') {
      return {
        text,
        problem: `has the shell command \`$(${command})\`; commands run only with \`allow_shell: true\` at the top of the file`,
      };
    }
    const result = runCommand(command, options);
    if (result.problem !== undefined) return { text, problem: result.problem };
    expanded += text.slice(from, start) + result.output;
    from = end + 1;
  }
  return { text: expanded + text.slice(from) };
}

function closingParenthesis(text: string, from: number): number {
  let open = 1;
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === '(') open += 1;
    else if (text[i] === ')') open -= 1;
    if (open === 0) return i;
  }
  return -1;
}

function runCommand(command: string, { env, cwd }: ExpandOptions): { readonly output: string; readonly problem?: string } {
  const shell = env['SHELL'] || '/bin/sh';
  const run = spawnSync(shell, ['-c', command], {
    env,
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (run.status === 0) return { output: run.stdout.trim() };
  const reason = run.error?.message ?? (run.status === null ? `ended by ${run.signal}` : `exit status ${run.status}`);
  const said = run.stderr?.trim();
  return { output: '', problem: `command \`${command}\` failed: ${reason}${said ? `: ${said.slice(0, 200)}` : ''}` };
}
