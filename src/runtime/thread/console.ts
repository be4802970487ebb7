import { format } from 'node:util';
import { currentRequest } from './requests.ts';

/** Takes one line of module output. */
export type ConsoleSink = (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;

const MAX_LINES_PER_REQUEST = 1000;
const MAX_TEXT = 8192;

/** `console` of modules: formatted as in Node, cut to 8 KiB a line and 1000 lines a request. */
export function createConsole(sink: ConsoleSink): Record<string, (...args: unknown[]) => void> {
  const counts = new Map<string, number>();
  const starts = new Map<string, number>();
  const write = (level: Parameters<ConsoleSink>[0], args: readonly unknown[]): void => {
    const state = currentRequest.getStore();
    if (state !== undefined) {
      state.consoleLines += 1;
      if (state.consoleLines > MAX_LINES_PER_REQUEST) return;
      if (state.consoleLines === MAX_LINES_PER_REQUEST)
        return sink('warn', `console: more than ${MAX_LINES_PER_REQUEST} lines of one request; the rest is dropped`);
    }
    let text: string;
    try {
      text = format(...args);
    } catch {
      text = 'console: a value could not be shown';
    }
    sink(level, text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
  };
  const at =
    (level: Parameters<ConsoleSink>[0]) =>
    (...args: unknown[]) =>
      write(level, args);
  return {
    log: at('info'),
    info: at('info'),
    debug: at('debug'),
    trace: at('debug'),
    dir: at('info'),
    table: at('info'),
    warn: at('warn'),
    error: at('error'),
    assert: (condition, ...args) => {
      if (!condition) write('error', ['Assertion failed', ...args]);
    },
    count: (label = 'default') => {
      const key = String(label);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      write('info', [`${key}: ${counts.get(key)}`]);
    },
    time: (label = 'default') => void starts.set(String(label), performance.now()),
    timeEnd: (label = 'default') =>
      write('info', [`${String(label)}: ${(performance.now() - (starts.get(String(label)) ?? performance.now())).toFixed(3)}ms`]),
    group: at('info'),
    groupEnd: () => {},
  };
}
