import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { toReason } from './http-call.ts';

/** What came next on a stream. `idle`: nothing for as long as was asked. */
export type NextLine =
  | { readonly type: 'line'; readonly value: unknown }
  | { readonly type: 'idle' }
  | { readonly type: 'end'; readonly reason: string };

/** A stream of JSON values, one per line, pulled: while nobody asks, the socket is paused and at most a few of its buffers are held. */
export interface JsonLines {
  next(waitMs: number): Promise<NextLine>;
  close(): void;
}

/** A line is one message of etcd, at most a few times its largest request. */
const MAX_LINE_CHARS = 268_435_456;

/** Reads the body of `response`. */
export function readJsonLines(response: IncomingMessage): JsonLines {
  const decoder = new StringDecoder('utf8');
  const lines: string[] = [];
  let rest: string[] = [];
  let restChars = 0;
  let end: string | undefined;
  let wake: (() => void) | undefined;

  const finish = (reason: string): void => {
    end ??= reason;
    wake?.();
  };
  const take = (chunk: Buffer): void => {
    const parts = decoder.write(chunk).split('\n');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      lines.push(rest.join('') + part);
      rest = [];
      restChars = 0;
    }
    rest.push(last);
    restChars += last.length;
    if (restChars > MAX_LINE_CHARS) finish(`a message is longer than ${MAX_LINE_CHARS} characters`);
  };
  response.on('readable', () => wake?.());
  response.on('error', (error) => finish(toReason(error)));
  response.on('end', () => finish('etcd ended the stream'));
  response.on('close', () => finish('the stream was closed'));

  /** The next whole line, reading no more than needed for it. */
  const pull = (): string | undefined => {
    while (lines.length === 0) {
      const chunk: Buffer | null = response.read();
      if (chunk === null) return undefined;
      take(chunk);
    }
    return lines.shift();
  };
  return {
    async next(waitMs) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const line = pull();
        if (line !== undefined && line.trim() !== '') return parseLine(line);
        if (line !== undefined) continue;
        if (end !== undefined) return { type: 'end', reason: end };
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return { type: 'idle' };
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
    },
    close() {
      finish('closed');
      response.destroy();
    },
  };
}

function parseLine(line: string): NextLine {
  try {
    return { type: 'line', value: JSON.parse(line) };
  } catch {
    return { type: 'end', reason: 'etcd sent a line that is not JSON' };
  }
}
