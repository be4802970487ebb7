import { OUTCOME } from '../wire.ts';
import { Context } from './ctx.ts';
import { Request } from './ctx-request.ts';
import { Response } from './ctx-response.ts';
import { Upstream } from './ctx-upstream.ts';

/** Flags of `OUTCOME` and their fields, in the order of the flags. */
export type WireOutcome = readonly unknown[];

/** The response that the module wrote as an outcome; undefined when it wrote none. */
export function written(ctx: Context): WireOutcome | undefined {
  const { response } = Context.parts(ctx);
  const sent = response && Response.written(response);
  return sent && [OUTCOME.response, sent.status, Response.unreported(response, sent.fields), sent.body];
}

/** A handler that set a status or fields but sent nothing answers with them, by 204 when it set no status. */
export function headOnly(ctx: Context): WireOutcome {
  const status = pendingStatus(ctx);
  const fields = newFields(ctx);
  return status === 0 && fields === undefined ? [0] : [OUTCOME.response, status || 204, fields ?? '', ''];
}

/** The status that hooks set but did not send; 0 when there is none. */
export function pendingStatus(ctx: Context): number {
  const { response } = Context.parts(ctx);
  return response === undefined ? 0 : Response.pendingStatus(response);
}

/** What an errorHandler answered, be it just a status of its own; `before` is the status that an earlier hook had set. */
export function handled(ctx: Context, before: number): WireOutcome | undefined {
  return written(ctx) ?? (pendingStatus(ctx) === before ? undefined : headOnly(ctx));
}

/** What the request phase changed, or the response that makes the upstream superfluous. */
export function requestOutcome(ctx: Context, url: string | undefined): WireOutcome {
  const { request } = Context.parts(ctx);
  return (
    written(ctx) ??
    changes([
      [OUTCOME.upstreamUrl, url],
      [OUTCOME.headers, request && Request.changedFields(request)],
      [OUTCOME.body, request && Request.writtenBody(request)],
      [OUTCOME.responseHeaders, newFields(ctx)],
    ])
  );
}

/** What the response phase changed of the upstream's answer, or the response that replaces it. */
export function responseOutcome(ctx: Context): WireOutcome {
  const upstream = Context.parts(ctx).upstream as Upstream;
  return (
    written(ctx) ??
    changes([
      [OUTCOME.status, Upstream.changedStatus(upstream)],
      [OUTCOME.headers, Upstream.changedFields(upstream)],
      [OUTCOME.body, Upstream.writtenBody(upstream)],
      [OUTCOME.responseHeaders, newFields(ctx)],
    ])
  );
}

function changes(parts: readonly (readonly [number, unknown])[]): WireOutcome {
  const outcome: unknown[] = [0];
  let flags = 0;
  for (const [flag, value] of parts) {
    if (value === undefined) continue;
    flags |= flag;
    outcome.push(value);
  }
  outcome[0] = flags;
  return outcome;
}

/** Fields of `ctx.response()` that were set since the last phase; the gateway keeps those of earlier ones. */
function newFields(ctx: Context): string | undefined {
  const { response } = Context.parts(ctx);
  return (response && Response.takeFields(response)) || undefined;
}
