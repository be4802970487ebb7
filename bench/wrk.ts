import { spawn } from 'node:child_process';
import { createTempFolder } from '../test/support/temp.ts';
import { LOAD_CORE } from './cores.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Answers other than 2xx and 3xx, and connections that failed, broke or timed out. */
  readonly failed: number;
}

export interface LoadOptions {
  /** 64 by default. */
  readonly connections?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON to POST; without it the load is GET. */
  readonly body?: string;
}

/** Loads `url` with wrk from the load core, in one thread. */
export async function load(url: string, seconds: number, options: LoadOptions = {}): Promise<LoadResult> {
  using folder = createTempFolder('sekisho-wrk-');
  const fields = Object.entries(options.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const script = options.body === undefined ? [] : ['-s', folder.write('post.lua', toScript(options.body))];
  return await run(['-t1', `-c${options.connections ?? 64}`, `-d${seconds}s`, '--timeout', '10s', ...fields, ...script, url]);
}

function run(words: readonly string[]): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    let output = '';
    const wrk = spawn('taskset', ['-c', LOAD_CORE, 'wrk', ...words]);
    for (const stream of [wrk.stdout, wrk.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    wrk.on('error', reject);
    wrk.on('close', (code) => (code === 0 ? resolve(parseOutput(output)) : reject(new Error(`wrk ended with ${code}: ${output}`))));
  });
}

function toScript(body: string): string {
  return `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\nwrk.headers["Content-Type"] = "application/json"\n`;
}

function parseOutput(output: string): LoadResult {
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1) ?? [];
  const statuses = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  return {
    requests: Number(/(\d+) requests in/.exec(output)?.[1] ?? 0),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0),
    failed: sockets.reduce((sum, count) => sum + Number(count), statuses),
  };
}
