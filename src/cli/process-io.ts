import { Failure } from './failure.ts';
import type { CliIo } from './io.ts';

const MAX_PASSWORD_CHARS = 4096;

/** The io of this process. A reader that goes away (`| head`) is no error. */
export function toProcessIo(): CliIo {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    isTerminal: process.stderr.isTTY,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readPassword,
  };
}

async function readPassword(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  // Raw mode is what switches the echo off; the terminal is given back however this ends.
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let typed = '';
  try {
    for await (const chunk of stdin as AsyncIterable<string>) {
      for (const char of chunk) {
        if (char === '\n' || char === '\r') return typed;
        if (char === '\u0003' || (char === '\u0004' && typed === '')) throw new Failure(2, 'no password given');
        if (char === '\u007f' || char === '\b') typed = typed.slice(0, -1);
        else typed += char;
        if (typed.length > MAX_PASSWORD_CHARS) throw new Failure(2, `the password is longer than ${MAX_PASSWORD_CHARS} characters`);
      }
    }
    if (typed === '') throw new Failure(2, 'no password given: pass --auth user:password, or type it');
    return typed;
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
