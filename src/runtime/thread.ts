import { parentPort, workerData } from 'node:worker_threads';
import { indexOf } from './invocation-table.ts';
import { createSyncCaller } from './sync-call.ts';
import { createDgateModule } from './thread/builtin-dgate.ts';
import { createStateModules } from './thread/builtin-state.ts';
import { createRequire } from './thread/builtins.ts';
import { createConsole } from './thread/console.ts';
import { createHeapMeter } from './thread/garbage.ts';
import { prepareGlobals } from './thread/globals.ts';
import { refuseHugeArrays } from './thread/huge-arrays.ts';
import { createOutbox } from './thread/outbox.ts';
import { Phases } from './thread/phases.ts';
import { evaluateProgram, PROGRAM_FILE } from './thread/program.ts';
import { currentRequest, endRequest } from './thread/requests.ts';
import { installStacks } from './thread/stack.ts';
import type { Host, RequestState, RouteContext } from './thread/state.ts';
import { createTimers } from './thread/timers.ts';
import { FROM_THREAD, MEMORY_SLOT, PHASE, SLOT, type ThreadData, TO_THREAD } from './wire.ts';

/*
 * Entry of a module thread. It serves one program: evaluates it, then runs phases of requests that arrive in batches.
 * Everything the module could break in its own global scope hurts this thread alone; the gateway ends it when it stops answering.
 */

const data = workerData as ThreadData;
const port = parentPort as NonNullable<typeof parentPort>;
const shared = new Int32Array(data.shared);
const memory = new Float64Array(data.shared);
const measure = createHeapMeter(data.heapLimitBytes);
const onProcess = process.on.bind(process);
const later = setTimeout;
const { put, report: putReport } = createOutbox(port, (count) => [
  FROM_THREAD.console,
  'warn',
  '',
  '',
  `console: ${count} lines were dropped`,
]);

const calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
let lastCall = 0;

const gateway: Host = {
  call: (name, invocation, args) =>
    new Promise((resolve, reject) => {
      lastCall += 1;
      calls.set(lastCall, { resolve, reject });
      put(FROM_THREAD.call, lastCall, invocation, name, args);
    }),
  callSync: createSyncCaller(data.syncPort, shared),
};

const routes = new Map<number, RouteContext>();
/** By index of the invocation. */
const requests: (RequestState | undefined)[] = [];

/** Reads one batch; see `TO_THREAD` for the items. */
function receive(batch: readonly unknown[], phases: Phases): void {
  let at = 0;
  const next = <T>(): T => batch[at++] as T;
  const begin = (inv: number): RequestState => ({
    inv,
    id: next(),
    method: next(),
    path: next(),
    query: next(),
    host: next(),
    version: next(),
    headers: next(),
    remoteAddress: next(),
    isTls: next(),
    contentLength: next(),
    pathParams: next(),
    entities: routes.get(next()) as RouteContext,
    body: next(),
    gateway,
    maxBodyBytes: data.maxBodyBytes,
    upstream: undefined,
    ctx: undefined,
    run: undefined,
    timers: undefined,
    abort: undefined,
    consoleLines: 0,
    ended: false,
  });
  const phase = (): void => {
    const [inv, seq, kind, isNew] = [next<number>(), next<number>(), next<number>(), next<number>()];
    if (isNew === 1) requests[indexOf(inv)] = begin(inv);
    const state = requests[indexOf(inv)] as RequestState;
    if (kind === PHASE.response)
      state.upstream = { status: next(), reason: next(), headers: next(), protocol: next(), contentLength: next(), body: next() };
    const error = kind === PHASE.error ? Object.assign(new Error(next<string>()), { code: next<string>() }) : undefined;
    phases.start(state, seq, kind, error);
  };
  const expire = (inv: number, seq: number): void => {
    const state = requests[indexOf(inv)];
    if (state?.inv === inv) phases.expire(state, seq);
  };
  while (at < batch.length) {
    switch (next<number>()) {
      case TO_THREAD.phase:
        phase();
        break;
      case TO_THREAD.end: {
        const index = indexOf(next());
        const state = requests[index];
        if (state !== undefined) endRequest(state);
        requests[index] = undefined;
        break;
      }
      case TO_THREAD.expire:
        expire(next(), next());
        break;
      case TO_THREAD.ping:
        pong(next());
        break;
      case TO_THREAD.reply:
        reply(next(), next(), next(), next());
        break;
      case TO_THREAD.route:
        routes.set(next(), JSON.parse(next()) as RouteContext);
        break;
      case TO_THREAD.forgetRoute:
        routes.delete(next());
        break;
    }
  }
}

function reply(call: number, ok: boolean, value: unknown, message: string): void {
  const waiting = calls.get(call);
  calls.delete(call);
  if (ok) waiting?.resolve(value);
  else waiting?.reject(Object.assign(new Error(message), { code: value }));
}

function pong(number: number): void {
  const usage = measure();
  memory[MEMORY_SLOT.buffers] = Math.max(usage.arrayBuffers, usage.external);
  memory[MEMORY_SLOT.heap] = usage.heapUsed;
  Atomics.store(shared, SLOT.pong, number);
}

function start(): void {
  const source = { map: data.sourceMap, toPlace: (file: string, line: number) => `${file}:${line}` };
  const stacks = installStacks((script) => (script === PROGRAM_FILE ? source : undefined));
  const strayFailure = (what: string) => (thrown: unknown) => {
    const state = currentRequest.getStore() as RequestState | undefined;
    putReport(FROM_THREAD.failed, what, state?.entities.route.name ?? '', state?.id ?? '', stacks.describe(thrown));
  };
  const moduleConsole = createConsole((level, text) => {
    const state = currentRequest.getStore() as RequestState | undefined;
    putReport(FROM_THREAD.console, level, state?.entities.route.name ?? '', state?.id ?? '', text);
  });
  const timers = createTimers();
  refuseHugeArrays(data.heapLimitBytes);
  prepareGlobals({ env: data.env, host: data.host, console: moduleConsole, timers });
  const dgate = createDgateModule(shared, (run, ms) => void (timers.setTimeout as typeof later)(run, ms));
  const require = createRequire({ dgate, ...createStateModules(gateway, data.namespace), console: moduleConsole });
  onProcess('uncaughtException', strayFailure('uncaughtException'));
  onProcess('unhandledRejection', strayFailure('unhandledRejection'));
  Atomics.store(shared, SLOT.booted, 1);
  try {
    const hooks = evaluateProgram(data.code, require);
    const phases = new Phases({ hooks, entry: data.entry, stacks, shared, put });
    port.on('message', (batch: readonly unknown[]) => receive(batch, phases));
    put(FROM_THREAD.ready, Object.keys(hooks));
  } catch (thrown) {
    put(FROM_THREAD.loadFailed, stacks.describe(thrown), stacks.place(thrown));
  }
}

start();
