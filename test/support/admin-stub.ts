import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run.ts';

export interface SeenCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown;
}

/** An admin API that remembers its calls and answers what `answer` says: for what a real one would not do. */
export interface AdminStub extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly SeenCall[];
}

/** Starts it on a free port; `await using` ends it. Without `answer` every call gets 200 and empty data. */
export async function startAdminStub(answer: (call: SeenCall) => StubAnswer = () => ({})): Promise<AdminStub> {
  const calls: SeenCall[] = [];
  const server = createServer((request, response) => void handle(request, response));
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const call: SeenCall = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: body === '' ? undefined : JSON.parse(body),
    };
    calls.push(call);
    const { status = 200, headers = {}, body: reply = { data: [], status_code: 200 } } = answer(call);
    response.writeHead(status, headers).end(typeof reply === 'string' ? reply : JSON.stringify(reply));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface CliResult {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface CliWorld {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly password?: string;
}

/** Runs a command line inside this process, with an environment and an output of its own. */
export async function runInProcess(argv: readonly string[], world: CliWorld = {}): Promise<CliResult> {
  let out = '';
  let err = '';
  const io: CliIo = {
    env: world.env ?? {},
    cwd: world.cwd ?? process.cwd(),
    out: (chunk) => {
      out += chunk;
    },
    err: (chunk) => {
      err += chunk;
    },
    readPassword: async (prompt) => {
      err += prompt;
      return world.password ?? '';
    },
  };
  const exit = await runCli(argv, io);
  return { exit, out, err };
}
