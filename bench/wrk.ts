import { spawn } from 'node:child_process';
import { LOAD_CORE } from './cores.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Answers other than 2xx and 3xx, and connections that failed, broke or timed out. */
  readonly failed: number;
}

/** Loads `url` with wrk from the load core: one thread, 64 connections by default. */
export function load(url: string, seconds: number, connections = 64): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    let output = '';
    const wrk = spawn('taskset', ['-c', LOAD_CORE, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', url]);
    for (const stream of [wrk.stdout, wrk.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    wrk.on('error', reject);
    wrk.on('close', (code) => (code === 0 ? resolve(parseOutput(output)) : reject(new Error(`wrk ended with ${code}: ${output}`))));
  });
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
