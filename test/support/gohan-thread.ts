import vm from 'node:vm';
import type { HostCallName } from '../../src/extension/host-calls.ts';
import { createGohanBuiltins } from '../../src/extension/thread/gohan-builtins.ts';
import type { EventContext, GohanHandler, GohanThread, HostCallError } from '../../src/extension/thread/types.ts';

/** What the gateway would answer: a value, or what a function makes of the arguments. */
export type FakeAnswers = Readonly<Partial<Record<HostCallName, unknown>>>;

/** Gohan's built-ins in a realm of their own, on a thread that is none: calls are noted and answered at once. */
export interface FakeThread {
  /** Runs a script; gives its value as JSON. */
  run(script: string): unknown;
  /** The message of what a script throws. */
  messageOf(script: string): unknown;
  handle(event: string, context: EventContext): void;
  /** Calls in order, as name and arguments. */
  readonly calls: readonly (readonly unknown[])[];
  readonly lines: readonly string[];
  readonly transaction: object;
  event: string;
  requestId: string;
  readonly transforms: readonly ((code: string, path: string) => string)[];
  /** Gives a context what handlers see. */
  decorate(context: EventContext): EventContext;
}

export function createFakeThread(answers: FakeAnswers = {}, options: Partial<GohanThread> = {}): FakeThread {
  const realm = vm.createContext(vm.constants.DONT_CONTEXTIFY);
  const global = realm as Record<string, unknown>;
  const evaluate = (source: string, name = 'script.js'): unknown => vm.runInContext(source, realm, { filename: name });
  const parse = evaluate('JSON.parse') as (text: string) => unknown;
  const RealmError = evaluate('Error') as ErrorConstructor;
  const calls: (readonly unknown[])[] = [];
  const lines: string[] = [];
  const handlers = new Map<string, GohanHandler[]>();
  const transforms: ((code: string, path: string) => string)[] = [];
  const decorators: ((context: EventContext) => void)[] = [];
  const transaction = {};
  const fake = { event: '', requestId: '' };

  const call = (name: HostCallName, ...args: unknown[]): unknown => {
    calls.push([name, ...structuredClone(args)]);
    const answer = answers[name];
    try {
      const value: unknown = typeof answer === 'function' ? (answer as (...given: unknown[]) => unknown)(...args) : answer;
      return value === undefined ? undefined : parse(JSON.stringify(value));
    } catch (error) {
      const { message, ...fields } = error as HostCallError;
      throw Object.assign(new RealmError(message), fields);
    }
  };
  const handle = (event: string, context: EventContext): void => {
    for (const handler of handlers.get(event) ?? []) handler(context);
  };
  const thread: GohanThread = {
    environment: 'network',
    get event() {
      return fake.event;
    },
    get requestId() {
      return fake.requestId;
    },
    file: undefined,
    npmPath: undefined,
    env: {},
    transaction,
    isTesting: false,
    global,
    evaluate,
    compileFunction: (source, name, parameters) =>
      vm.compileFunction(source, [...parameters], { filename: name, parsingContext: realm }) as (...args: unknown[]) => unknown,
    call: call as GohanThread['call'],
    get callCount() {
      return calls.length;
    },
    withContext: (_context, work) => work(),
    register(event, handler) {
      handlers.set(event, [...(handlers.get(event) ?? []), handler]);
    },
    handle,
    trigger: handle,
    onLoad: (transform) => void transforms.push(transform),
    onContext: (decorate) => void decorators.push(decorate),
    log: (level, module, text) => void lines.push(`${level} ${module}: ${text}`),
    ...options,
  };
  Object.assign(global, createGohanBuiltins(thread), { TX: transaction });
  return Object.assign(fake, {
    run(script: string): unknown {
      const value = evaluate(script);
      return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
    },
    messageOf: (script: string): unknown =>
      evaluate(`(function () { try { ${script}; return 'nothing thrown' } catch (e) { return e.message } })()`),
    handle,
    calls,
    lines,
    transaction,
    transforms,
    decorate(context: EventContext) {
      for (const decorate of decorators) decorate(context);
      return context;
    },
  });
}

/** What the gateway answers where it refuses. */
export function hostCallError(code: string, message: string, fields: Readonly<Record<string, unknown>> = {}): Error {
  return Object.assign(new Error(message), { code, status: 500, ...fields });
}
