import type { Namespace, Route, Service } from '../../entity/types.ts';
import { Request } from './ctx-request.ts';
import { Response } from './ctx-response.ts';
import { Upstream } from './ctx-upstream.ts';
import type { Query } from './query.ts';
import type { RequestState, UpstreamState } from './state.ts';

/** The one object that all hooks of a request get. */
export class Context {
  readonly id: string;
  readonly #state: RequestState;
  #request: Request | undefined;
  #response: Response | undefined;
  #upstream: Upstream | undefined;
  #values: Map<string, unknown> | undefined;
  #pathParams: Record<string, string> | undefined;
  #route: Route | undefined;
  #service: Service | undefined;

  constructor(state: RequestState) {
    this.id = state.id;
    this.#state = state;
  }

  /** The parts that exist so far, to see what a module changed. */
  static parts(ctx: Context): { request: Request | undefined; response: Response | undefined; upstream: Upstream | undefined } {
    return { request: ctx.#request, response: ctx.#response, upstream: ctx.#upstream };
  }

  static setUpstream(ctx: Context, answer: UpstreamState): void {
    ctx.#upstream = new Upstream(ctx.#state, answer);
  }

  request(): Request {
    this.#request ??= new Request(this.#state);
    return this.#request;
  }

  response(): Response {
    this.#response ??= new Response(this.#state);
    return this.#response;
  }

  /** The upstream's answer; null before there is one. */
  upstream(): Upstream | null {
    return this.#upstream ?? null;
  }

  pathParams(): Record<string, string> {
    if (this.#pathParams === undefined) {
      const params: Record<string, string> = {};
      const flat = this.#state.pathParams;
      for (let i = 0; i < flat.length; i += 2)
        Object.defineProperty(params, flat[i] as string, { value: flat[i + 1], enumerable: true, writable: true, configurable: true });
      this.#pathParams = params;
    }
    return this.#pathParams;
  }

  pathParam(name: string): string {
    const params = this.pathParams();
    return Object.hasOwn(params, name) ? (params[name] as string) : '';
  }

  query(): Query {
    return this.request().query;
  }

  route(): Route {
    this.#route ??= copyOf(this.#state.entities.route);
    return this.#route;
  }

  service(): Service | null {
    const { service } = this.#state.entities;
    if (service !== undefined) this.#service ??= copyOf(service);
    return this.#service ?? null;
  }

  namespace(): Namespace {
    return copyOf(this.#state.entities.namespace);
  }

  /** A value that an earlier hook of this request stored, or null. */
  get(key: string): unknown {
    return this.#values?.get(key) ?? null;
  }

  set(key: string, value: unknown): void {
    this.#values ??= new Map();
    this.#values.set(key, value);
  }
}

/** Requests share the entities of their route, so that each gets a copy it may change. */
function copyOf<T extends object>(entity: T): T {
  const copy = { ...entity } as Record<string, unknown>;
  for (const key in copy) {
    const value = copy[key];
    if (Array.isArray(value)) copy[key] = value.slice();
  }
  return copy as unknown as T;
}
