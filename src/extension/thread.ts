import { promiseHooks } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { replaceFetch } from '../runtime/thread/builtin-http.ts';
import { requireFrom, sharedModules } from '../runtime/thread/builtins.ts';
import { createConsole } from '../runtime/thread/console.ts';
import { createHeapMeter } from '../runtime/thread/garbage.ts';
import { prepareGlobals } from '../runtime/thread/globals.ts';
import { refuseHugeArrays } from '../runtime/thread/huge-arrays.ts';
import { createOutbox } from '../runtime/thread/outbox.ts';
import { currentRequest, endRequest } from '../runtime/thread/requests.ts';
import { installStacks } from '../runtime/thread/stack.ts';
import { createTimers } from '../runtime/thread/timers.ts';
import { MEMORY_SLOT, SLOT } from '../runtime/wire.ts';
import { toAuthorPlace } from './author-place.ts';
import * as authorModule from './thread/author-module.ts';
import type { Engine } from './thread/engine.ts';
import { Environment, isSyntaxError } from './thread/environment.ts';
import { Events } from './thread/events.ts';
import { createGateway } from './thread/gateway.ts';
import { createRoom } from './thread/room.ts';
import type { Run } from './thread/run.ts';
import { Sessions } from './thread/sessions.ts';
import { installTestClock } from './thread/test-clock.ts';
import { createTestFetch } from './thread/test-fetch.ts';
import type { LogLevel } from './thread/types.ts';
import { FROM_THREAD, type ThreadData, TO_THREAD } from './wire.ts';

/*
 * Entry of an extension thread. It holds all environments of a set of schemas and runs events that arrive in batches; while a script waits
 * in a synchronous call, the events that the call triggers arrive with it.
 */

const data = workerData as ThreadData;
const port = parentPort as NonNullable<typeof parentPort>;
const shared = new Int32Array(data.shared);
const memory = new Float64Array(data.shared);
const measure = createHeapMeter(data.heapLimitBytes);
const onProcess = process.on.bind(process);

const outbox = createOutbox(port, (count) => [FROM_THREAD.console, 'warn', '', '', '', `console: ${count} lines were dropped`]);
const gateway = createGateway({ port: data.syncPort, shared, outbox, onWork: (batch) => receive(batch as readonly unknown[]) });
const scripts = new Map(
  data.codes.map(({ script, sourceMap, names }) => [
    script,
    { map: sourceMap, toPlace: (source: string, line: number) => toAuthorPlace(names, source || names.file, line) },
  ]),
);
const stacks = installStacks((script) => scripts.get(script));

let running: Run | undefined;
let loadingOf: Environment | undefined;

function log(level: LogLevel, environment: string, module: string, requestId: string, text: string): void {
  outbox.report(FROM_THREAD.console, level, environment, module, requestId, text);
}

/** Lines of `console` and of a module's `context.log`. */
function logRun(level: LogLevel, run: Run | undefined, text: string): void {
  const environment = run?.environment ?? loadingOf?.name ?? '';
  log(level, environment, `extension.${environment}.${run?.event ?? 'load'}`, run?.session.id ?? '', text);
}

const threadConsole = createConsole((level, text) => logRun(level, currentRequest.getStore() as Run | undefined, text));
const require = requireFrom(new Map<string, object>([...sharedModules(threadConsole), ['sekisho/extension', authorModule]]));

/** Runs `work` with `run` as the event that synchronous calls belong to. */
function within<T>(run: Run | undefined, work: () => T): T {
  const before = running;
  running = run;
  try {
    return work();
  } finally {
    running = before;
  }
}

const engine: Engine = {
  gateway,
  stacks,
  console: threadConsole,
  npmPath: data.npmPath,
  env: data.env,
  heapLimitBytes: data.heapLimitBytes,
  clock: data.testing && new Float64Array(data.testing.clock),
  get run() {
    return running;
  },
  environments: () => environments,
  use: (environment) => sessions.use(environment),
  require,
  loading(environment, work) {
    const before = loadingOf;
    loadingOf = environment;
    try {
      within(undefined, () => currentRequest.exit(work));
    } finally {
      loadingOf = before;
    }
  },
  loaded: (environment) => room.loaded(environment),
  log,
};

const environments = data.environments.map(({ name, codes }) => {
  const own = codes.flatMap((index) => data.codes[index] ?? []);
  return new Environment(name, own, engine);
});
const events = new Events({ gateway, log: logRun, outbox, stacks, shared, within });
const sessions = new Sessions();
const room = createRoom(data.heapLimitBytes, (environment) => sessions.isUsed(environment));

/** Notes whose code is about to run: when it blocks the thread, its environment is to blame, not those that wait. */
function blame(run: object | undefined): void {
  shared[SLOT.current] = (run as Run | undefined)?.inv ?? 0;
}

/** Reads one batch; see `TO_THREAD` for the items. */
function receive(batch: readonly unknown[]): void {
  let at = 0;
  const next = <T>(): T => batch[at++] as T;
  while (at < batch.length) {
    switch (next<number>()) {
      case TO_THREAD.run: {
        const [inv, session, id, index] = [next<number>(), next<number>(), next<string>(), next<number>()];
        const environment = environments[index] as Environment;
        environment.prepare();
        room.use(environment);
        const run = sessions.open(inv, { session, id, environment }, next);
        events.start(run, environment);
        break;
      }
      case TO_THREAD.end:
        sessions.end(next(), (run) => endRequest(run));
        break;
      case TO_THREAD.expire:
        expire(next());
        break;
      case TO_THREAD.ping:
        pong(next());
        break;
      case TO_THREAD.reply:
        gateway.reply(next(), next(), next());
        break;
      case TO_THREAD.constant:
        sessions.addConstant(next(), next());
        break;
      case TO_THREAD.load:
        load(next());
        break;
      case TO_THREAD.mark:
        sessions.mark(next());
        break;
      case TO_THREAD.restore:
        sessions.restore(next());
        break;
      case TO_THREAD.snapshot:
        outbox.put(FROM_THREAD.snapshot, next(), sessions.snapshot(next()));
        outbox.flush();
        break;
    }
  }
}

function expire(inv: number): void {
  const run = sessions.run(inv);
  if (run !== undefined) run.isDead = true;
  outbox.put(FROM_THREAD.expired, inv);
}

function load(index: number): void {
  const environment = environments[index] as Environment;
  try {
    environment.load();
    outbox.put(FROM_THREAD.loaded, index, environment.events);
  } catch (thrown) {
    const code = isSyntaxError(thrown) ? 'EXTENSION_COMPILE' : 'EXTENSION_LOAD';
    outbox.put(FROM_THREAD.loadFailed, index, code, stacks.describe(thrown), stacks.place(thrown));
  }
}

function pong(number: number): void {
  const usage = measure();
  memory[MEMORY_SLOT.buffers] = Math.max(usage.arrayBuffers, usage.external);
  memory[MEMORY_SLOT.heap] = usage.heapUsed;
  Atomics.store(shared, SLOT.pong, number);
}

const stray = (what: string) => (thrown: unknown) => {
  const run = currentRequest.getStore() as Run | undefined;
  outbox.report(
    FROM_THREAD.stray,
    run?.environment ?? '',
    run?.event ?? what,
    run?.session.id ?? '',
    `${what}: ${stacks.describe(thrown)}`,
  );
};

refuseHugeArrays(data.heapLimitBytes);
if (data.testing !== undefined) {
  installTestClock(globalThis, new Float64Array(data.testing.clock));
  replaceFetch(
    createTestFetch((call) => gateway.call((currentRequest.getStore() as Run | undefined)?.inv ?? 0, 'http.request', [call]) as never),
  );
}
prepareGlobals({ env: data.env, host: data.host, console: threadConsole, timers: createTimers(blame) });
// What runs behind an `await`. Measured: 25 ns each.
promiseHooks.onBefore(() => blame(currentRequest.getStore()));
onProcess('uncaughtException', stray('uncaughtException'));
onProcess('unhandledRejection', stray('unhandledRejection'));
Atomics.store(shared, SLOT.booted, 1);
port.on('message', receive);
outbox.put(FROM_THREAD.ready);
