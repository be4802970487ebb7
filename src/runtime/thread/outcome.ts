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

/** A handler that set fields but sent nothing answers 204 with them. */
export function headersOnly(ctx: Context): WireOutcome {
  const fields = newFields(ctx);
  return fields === undefined ? [0] : [OUTCOME.response, 204, fields, ''];
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
