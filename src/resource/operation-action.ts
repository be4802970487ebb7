import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import { allOf } from '../schema/filter.ts';
import type { Action } from '../schema/types.ts';
import { lazyValidator } from '../schema/validator.ts';
import { toValidationText } from '../schema/violation.ts';
import { toTunnelTarget } from './action-tunnel.ts';
import { isObject, type JsonObject, readBody } from './body.ts';
import { permitFields } from './event-fields.ts';
import { noAnswer } from './no-answer.ts';
import { checkAncestors, parentFilter } from './parent.ts';
import { toRawAnswer } from './raw-answer.ts';
import type { Answer, Call } from './types.ts';
import { denied } from './write.ts';

/**
 * An own action of a schema: input → policy of the action's name → reach of the resource → validation → its event, whose response is the answer. No transaction
 * is open while its handlers run.
 */
export async function act(call: Call, action: Action, params: Readonly<Record<string, string>>): Promise<Answer> {
  const { models, identity, type, id, events, exchange } = call;
  // Of another protocol what follows the head is no body.
  const hasInput = action.input !== undefined && action.protocol === '';
  const input = hasInput ? await readInput(call) : {};
  const permit = models.access.permit(identity, action.id, type, id);
  checkInput(call, permit, input);
  if (id !== undefined) await checkReach(call, permit);
  if (hasInput && action.input !== undefined) {
    const errors = lazyValidator(action.input)(input);
    if (errors.length > 0) throw new SekishoError('RESOURCE_INVALID', toValidationText(errors), { errors });
  }
  events?.tell({ ...permitFields(models, identity, permit), request_data: input });
  const outcome = await events?.run(action.id, { id, input, params: { ...ancestorParams(call), ...params }, response: undefined });
  const response = outcome?.response;
  const tunnel = action.protocol !== '' && exchange.upgrade !== undefined ? toTunnelTarget(response) : undefined;
  if (tunnel !== undefined) return { status: 101, headers: [], tunnel };
  const raw = toRawAnswer(response);
  if (raw !== undefined && action.hasResponseOwnership) return raw;
  if (raw !== undefined) throw noAnswer(`${action.id} answers with rawResponse; in the schema it needs has_response_ownership: true`);
  if (response !== undefined) return { status: 200, headers: [], body: JSON.stringify(response) };
  if (action.hasResponseOwnership) return { status: 200, headers: [] };
  throw noAnswer(
    events?.handles(action.id) === true
      ? `the handlers of ${action.id} left no context.response`
      : `no extension of the schema ${type.id} handles its action ${action.id}`,
  );
}

async function readInput({ exchange, limits }: Call): Promise<JsonObject> {
  const { value } = await readBody(exchange, limits.maxBodyBytes);
  if (isObject(value)) return value;
  throw new SekishoError('RESOURCE_MALFORMED', 'Failed to parse data: the body is no JSON object');
}

/** What policies say of a body holds for an input too. */
function checkInput({ type }: Call, permit: Permit, input: JsonObject): void {
  const hidden = permit.hiddenKey(input);
  if (hidden !== undefined) throw denied(`${hidden} is prohibited for this user`);
  const foreign = 'tenant_id' in input || 'domain_id' in input ? permit.checkOwner(type, input) : undefined;
  if (foreign !== undefined) throw denied(foreign);
  const broken = permit.checkCreate(input);
  if (broken !== undefined) throw denied(broken);
}

/** The resource of an action has to be one that its policy reaches. */
async function checkReach(call: Call, permit: Permit): Promise<void> {
  const { models, type, id, database } = call;
  if (call.ancestorIds.length > 0) await checkAncestors(call, database.reader);
  const filter = allOf([models.access.reach(permit, type), parentFilter(call)]);
  const found = await database.reader.fetch(type, id, { filter, embed: false, fields: ['id'] });
  if (found === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', 'Resource not found');
}

function ancestorParams({ type, ancestorIds }: Call): Record<string, string> {
  return Object.fromEntries(ancestorIds.map((ancestor, at) => [type.ancestors[at]?.schemaId ?? '', ancestor]));
}
