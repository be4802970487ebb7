import type { Outbox } from '../../runtime/thread/outbox.ts';
import { currentRequest } from '../../runtime/thread/requests.ts';
import type { Stacks } from '../../runtime/thread/stack.ts';
import { SLOT } from '../../runtime/wire.ts';
import { CHANGE, FROM_THREAD, NEW_RESPONSE, TRACKED } from '../wire.ts';
import type { Environment, Handler } from './environment.ts';
import { fromResponseCode, isGohanException, readGohanThrow, readModuleThrow, type Thrown } from './exceptions.ts';
import { createModuleContext, type ModuleContextOptions } from './module-context.ts';
import type { Run } from './run.ts';

/** What running events needs of its thread. */
export interface EventsOptions extends ModuleContextOptions {
  readonly outbox: Outbox;
  readonly stacks: Stacks;
  readonly shared: Int32Array;
  /** Runs `work` as part of the event. */
  within<T>(run: Run, work: () => T): T;
}

/** Runs the handlers of events, in order, and tells the gateway how they ended. */
export class Events {
  readonly #options: EventsOptions;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** Starts an event: without modules in its environment it has ended when this returns. */
  start(run: Run, environment: Environment): void {
    const { context } = run.box;
    const response = context['response'];
    currentRequest.run(run, () => {
      try {
        environment.load();
        environment.decorate(context);
        if (environment.hasModules) {
          this.#runAsync(run, environment).then(
            () => this.#done(run, response),
            (thrown: unknown) => this.#failed(run, thrown),
          );
          return;
        }
        this.#sync(run, () => environment.runScripts(run.event, context));
        throwResponseCode(run);
      } catch (thrown) {
        return this.#failed(run, thrown);
      }
      this.#done(run, response);
    });
  }

  async #runAsync(run: Run, environment: Environment): Promise<void> {
    const { context } = run.box;
    let moduleContext: object | undefined;
    let exception: { readonly thrown: unknown } | undefined;
    for (const handler of environment.handlers(run.event)) {
      if (run.isDead) return;
      if (handler.code.style === 'module') {
        moduleContext ??= createModuleContext(run, this.#options);
        await this.#module(run, environment, handler, moduleContext);
      } else {
        try {
          this.#sync(run, () => environment.call(handler, context));
        } catch (thrown) {
          if (!isGohanException(thrown)) throw thrown;
          exception = { thrown };
        }
      }
    }
    throwResponseCode(run);
    if (exception !== undefined) throw exception.thrown;
  }

  async #module(run: Run, environment: Environment, handler: Handler, context: object): Promise<void> {
    try {
      await this.#sync(run, () => environment.call(handler, context));
    } catch (thrown) {
      throw new ModuleThrow(thrown);
    }
  }

  #sync<T>(run: Run, work: () => T): T {
    const { shared, within } = this.#options;
    const before = shared[SLOT.current] as number;
    shared[SLOT.current] = run.inv;
    try {
      return within(run, work);
    } finally {
      shared[SLOT.current] = before;
    }
  }

  #done(run: Run, responseBefore: unknown): void {
    const { context, texts } = run.box;
    const items: unknown[] = [FROM_THREAD.done, run.inv, 0];
    let mask = 0;
    let hasNewResponse = context['response'] !== responseBefore;
    try {
      for (const [at, key] of TRACKED.entries()) {
        const text = context[key] === undefined ? undefined : (JSON.stringify(context[key]) as string | undefined);
        if (text === undefined) {
          texts[at] = undefined;
          continue;
        }
        const isSame = text === texts[at];
        mask |= (isSame ? CHANGE.same : CHANGE.changed) << (2 * at);
        if (isSame) continue;
        texts[at] = text;
        items.push(text);
        if (key === 'response') hasNewResponse = true;
      }
    } catch (thrown) {
      return this.#failed(run, thrown);
    }
    if (hasNewResponse && context['response'] !== undefined) mask |= NEW_RESPONSE;
    items[2] = mask;
    this.#put(items);
  }

  #failed(run: Run, thrown: unknown): void {
    const isModule = thrown instanceof ModuleThrow;
    const cause = isModule ? thrown.thrown : thrown;
    let read: Thrown;
    try {
      read = isModule ? readModuleThrow(cause) : readGohanThrow(cause);
    } catch (error) {
      read = readGohanThrow(error);
    }
    run.box.context['exception'] = { name: read.exception, message: read.message };
    run.box.context['exception_message'] = read.message;
    const stack = this.#options.stacks.describe(cause);
    this.#put([FROM_THREAD.failed, run.inv, read.kind, read.exception, read.status, read.message, read.body, read.call, stack]);
  }

  /** Told at once: the gateway may wait for it while this thread goes on with the event around. */
  #put(items: readonly unknown[]): void {
    this.#options.outbox.put(...items);
    this.#options.outbox.flush();
  }
}

/** What a module-style handler threw. */
class ModuleThrow {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/** Gohan's older way to answer: a status left in the context is an exception with the response. */
function throwResponseCode(run: Run): void {
  const { context } = run.box;
  const code = context['response_code'];
  if (code === undefined || code === null) return;
  delete context['response_code'];
  throw fromResponseCode(context['response'], code);
}
