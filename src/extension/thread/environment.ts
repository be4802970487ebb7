import type { ThreadCode } from '../wire.ts';
import type { Engine } from './engine.ts';
import { isGohanException, throwResponseCode } from './exceptions.ts';
import { createGohanBuiltins } from './gohan-builtins.ts';
import { createGohanThread, type LoadTransform } from './gohan-thread.ts';
import { evaluateModule } from './module-code.ts';
import { createRealm, type Realm } from './realm.ts';
import { installTestClock } from './test-clock.ts';
import type { EventContext } from './types.ts';

/** A handler of an event, with the code that it belongs to. */
export interface Handler {
  readonly code: ThreadCode;
  readonly call: (context: never) => unknown;
}

/** The extensions of one environment in a thread. They load when the first event needs them. */
export class Environment {
  readonly name: string;
  /** Whether it has scripts of Gohan's kind, or modules. */
  readonly hasScripts: boolean;
  readonly hasModules: boolean;
  readonly #codes: readonly ThreadCode[];
  readonly #engine: Engine;
  readonly #handlers = new Map<string, Handler[]>();
  readonly #decorators: ((context: EventContext) => void)[] = [];
  #transforms: LoadTransform[] = [];
  #realm: Realm | undefined;
  #state: 'new' | 'loading' | 'loaded' | 'failed' = 'new';
  #failure: unknown;
  /** The event that a script runs by itself, within one of the gateway's. */
  #nested: { readonly event: string; readonly run: Engine['run'] } | undefined;
  /** The code that loads, or whose handler runs. */
  #current: ThreadCode | undefined;

  constructor(name: string, codes: readonly ThreadCode[], engine: Engine) {
    this.name = name;
    this.#codes = codes;
    this.#engine = engine;
    this.hasScripts = codes.some(({ style }) => style === 'gohan');
    this.hasModules = codes.some(({ style }) => style === 'module');
  }

  get events(): string[] {
    return [...this.#handlers.keys()];
  }

  /** The event whose scripts run; empty while it loads. */
  get event(): string {
    const { run } = this.#engine;
    return this.#nested !== undefined && this.#nested.run === run ? this.#nested.event : (run?.event ?? '');
  }

  get current(): ThreadCode | undefined {
    return this.#current;
  }

  /** Makes values of the scripts' realm, where there is one. */
  parse(text: string): unknown {
    return this.#realm === undefined ? JSON.parse(text) : this.#realm.parse(text);
  }

  handlers(event: string): readonly Handler[] {
    return this.#handlers.get(event) ?? [];
  }

  /** Runs the top level of all extensions, once. Throws what they throw. */
  load(): void {
    if (this.#state === 'loaded') return;
    if (this.#state === 'failed') throw this.#failure;
    if (this.#state === 'loading') throw new Error(`the environment ${this.name} is still loading`);
    this.#state = 'loading';
    try {
      this.#engine.loading(this, () => this.#loadAll());
      this.#state = 'loaded';
      this.#engine.loaded(this);
    } catch (thrown) {
      this.#state = 'failed';
      this.#failure = thrown;
      throw thrown;
    }
  }

  /** Frees what it takes; the next event loads it again. Not while an event of it runs. */
  unload(): void {
    if (this.#state !== 'loaded') return;
    this.#state = 'new';
    this.#realm = undefined;
    this.#handlers.clear();
    this.#decorators.length = 0;
    this.#transforms = [];
  }

  /** As `load`; a failure is thrown by the next `load`. */
  prepare(): void {
    try {
      this.load();
    } catch {
      // Kept for whoever runs an event here.
    }
  }

  /** Gives values of a context their methods. */
  decorate(context: EventContext): void {
    for (const decorate of this.#decorators) decorate(context);
  }

  /** Calls one handler; `current` tells its code meanwhile. */
  call({ code, call }: Handler, context: object): unknown {
    const before = this.#current;
    this.#current = code;
    try {
      return call(context as never);
    } finally {
      this.#current = before;
    }
  }

  /** As `call`; a status that the handler leaves in the context is thrown too. */
  callScript(handler: Handler, context: EventContext): void {
    this.call(handler, context);
    throwResponseCode(context);
  }

  /** Runs all handlers of an event one after the other, none of which may be a module's: after an exception the next ones still run, and the last is thrown. */
  runScripts(event: string, context: EventContext): void {
    let exception: unknown;
    let hasFailed = false;
    for (const handler of this.handlers(event)) {
      if (handler.code.style === 'module')
        throw new TypeError(`${handler.code.id} handles ${event} of ${this.name} asynchronously: it runs for events of the gateway only`);
      try {
        this.callScript(handler, context);
      } catch (thrown) {
        if (!isGohanException(thrown)) throw thrown;
        exception = thrown;
        hasFailed = true;
      }
    }
    if (hasFailed) throw exception;
  }

  /** As `runScripts`, for a script that runs an event by itself: on a context of its own choice, which tells the event meanwhile. */
  runNested(event: string, context: EventContext): void {
    const [before, type] = [this.#nested, context['event_type']];
    this.#nested = { event, run: this.#engine.run };
    context['event_type'] = event;
    try {
      this.runScripts(event, context);
    } finally {
      this.#nested = before;
      if (type === undefined) delete context['event_type'];
      else context['event_type'] = type;
    }
  }

  /** Undoes what a request did to the globals of the scripts. */
  restore(): void {
    this.#realm?.memory.restore();
  }

  #loadAll(): void {
    if (this.hasScripts) this.#realm = this.#createRealm();
    for (const code of this.#codes) {
      this.#current = code;
      if (code.style === 'gohan') this.#loadScript(code, this.#realm as Realm);
      else this.#loadModule(code);
    }
    this.#current = undefined;
    if (this.#realm !== undefined && !this.#realm.memory.remember())
      this.#warn('its scripts keep too many objects in globals to bring them back after each request; only the globals themselves are');
  }

  #createRealm(): Realm {
    const { heapLimitBytes, console, stacks, clock } = this.#engine;
    const realm = createRealm({ heapLimitBytes, console, stacks });
    if (clock !== undefined) installTestClock(realm.global, clock);
    this.#realm = realm;
    const thread = createGohanThread({
      environment: this,
      engine: this.#engine,
      realm,
      register: (event, call) => this.#register(event, call),
      onLoad: (transform) => void this.#transforms.push(transform),
      onContext: (decorate) => void this.#decorators.push(decorate),
    });
    for (const [name, value] of Object.entries(createGohanBuiltins(thread)))
      Object.defineProperty(realm.global, name, { value, writable: true, configurable: true, enumerable: false });
    realm.memory.markBuiltIns();
    return realm;
  }

  #loadScript(code: ThreadCode, realm: Realm): void {
    let source = code.code;
    for (const transform of this.#transforms) source = String(transform(source, code.file ?? ''));
    realm.evaluate(source, code.script);
  }

  #loadModule(code: ThreadCode): void {
    const handlers = evaluateModule(code, this.#engine.require, (text) => this.#warn(text));
    for (const [event, call] of handlers) this.#add(event, { code, call });
  }

  #register(event: string, call: Handler['call']): void {
    if (this.#state !== 'loading' || this.#current === undefined)
      throw new Error(`a handler of ${event} is registered too late: only while its extension loads`);
    if (typeof call !== 'function') throw new TypeError(`the handler of ${event} has to be a function`);
    this.#add(event, { code: this.#current, call });
  }

  #add(event: string, handler: Handler): void {
    const handlers = this.#handlers.get(event);
    if (handlers === undefined) this.#handlers.set(event, [handler]);
    else handlers.push(handler);
  }

  #warn(text: string): void {
    this.#engine.log('warn', this.name, 'extension', '', text);
  }
}

/** Whether loading failed because the code is no JavaScript. */
export function isSyntaxError(thrown: unknown): boolean {
  return thrown !== null && typeof thrown === 'object' && (thrown as { readonly name?: unknown }).name === 'SyntaxError';
}
