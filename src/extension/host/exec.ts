import { spawn } from 'node:child_process';
import { abortError, notEnabled, reasonOf } from './host-error.ts';

export interface ExecOptions {
  readonly isAllowed: boolean;
  /** Of one program; it is killed after. */
  readonly timeoutMs: number;
  /** What it may print; it is killed when it prints more. */
  readonly maxOutputBytes: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface ExecResult {
  readonly status: 'success' | 'error';
  readonly output: string;
}

/** Runs a program without a shell, and without input. EXTENSION_NOT_ENABLED unless it is allowed; rejects when nobody waits any more. */
export function runProgram(options: ExecOptions, command: string, args: readonly string[], signal: AbortSignal): Promise<ExecResult> {
  if (!options.isAllowed) return Promise.reject(notEnabled('Running programs', 'extension.allow_exec'));
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    let why: string | undefined;
    const fail = (error: unknown): void => resolve({ status: 'error', output: reasonOf(error) });
    let child: ReturnType<typeof start>;
    try {
      child = start(command, args, options.env);
    } catch (error) {
      return fail(error);
    }
    const kill = (reason: string): void => {
      why ??= reason;
      // Its own children are of its process group.
      try {
        process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    };
    const output = collect(child, options.maxOutputBytes, () => kill(`it printed more than ${options.maxOutputBytes} bytes`));
    const timer = setTimeout(() => kill(`it took longer than ${options.timeoutMs} ms`), options.timeoutMs);
    const abort = (): void => kill('nobody waits for it any more');
    signal.addEventListener('abort', abort, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    child.on('error', (error) => {
      finish();
      fail(error);
    });
    child.on('close', (code, killedBy) => {
      finish();
      if (signal.aborted) return reject(abortError(signal));
      if (code === 0 && why === undefined) return resolve({ status: 'success', output: output() });
      resolve({ status: 'error', output: why ?? (code === null ? `signal: ${killedBy}` : `exit status ${code}`) });
    });
  });
}

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  return spawn(command, args, { shell: false, stdio: ['ignore', 'pipe', 'pipe'], env, detached: true, windowsHide: true });
}

/** What a program prints on both of its outputs, in order. */
function collect(child: ReturnType<typeof start>, maxBytes: number, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else onTooMuch();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return () => Buffer.concat(chunks).toString();
}
