import type { TransactionHandle } from '../host-calls.ts';
import { toText } from '../template/value-text.ts';
import type { BuiltinRow, Parameter } from './gohan-parameter.ts';
import type { RealmValues } from './gohan-realm.ts';
import type { EventContext } from './types.ts';

/** Finds the handle of a transaction object; undefined when it is none. */
export type HandleOf = (value: unknown) => TransactionHandle | undefined;

/** The arguments of a call as the built-in takes them, defaults filled in. Throws an Error of the realm with Gohan's texts. */
export type CheckArguments = (name: string, row: BuiltinRow, args: readonly unknown[]) => unknown[];

export function createArgumentCheck(realm: RealmValues, handleOf: HandleOf): CheckArguments {
  const wrongType = (value: unknown, type: string): Error => realm.error(`Argument '${goText(value)}' should be of type '${type}'`);
  const convert = (value: unknown, { type }: Parameter): unknown => {
    switch (type) {
      case 'string':
        if (typeof value === 'string') return value;
        throw wrongType(value, type);
      case 'bool':
        if (typeof value === 'boolean') return value;
        throw wrongType(value, type);
      case 'int64': {
        const number = toInteger(value);
        if (number !== undefined) return number;
        throw wrongType(value, type);
      }
      case 'Object':
      case 'Filter':
        if (isPlain(value)) return value;
        throw wrongType(value, 'Object');
      case 'array':
        if (value === null || value === undefined) return [];
        if (Array.isArray(value)) return value;
        throw wrongType(value, type);
      case 'array of strings':
        if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
        throw wrongType(value, type);
      case 'Transaction': {
        if (value === null) return null;
        const handle = handleOf(value);
        if (handle !== undefined) return handle;
        throw wrongType(value, type);
      }
      case 'context':
        if (isPlain(value)) return value;
        throw realm.error('No context provided');
      case 'function':
        if (typeof value === 'function') return value;
        throw wrongType(value, type);
      default:
        return value;
    }
  };

  return (name, row, args) => {
    const { length } = row.parameters;
    const least = row.parameters.filter((parameter) => !('default' in parameter)).length;
    if (row.isLoose === undefined && (args.length > length || args.length < least))
      throw realm.error(countMessage(name, row.parameters, args.length));
    return row.parameters.map((parameter, place) =>
      'default' in parameter && place >= args.length ? parameter.default : convert(args[place], parameter),
    );
  };
}

/** Gohan has another text where only the first argument may be left out. */
function countMessage(name: string, parameters: readonly Parameter[], given: number): string {
  const isOptional = parameters[0] !== undefined && 'default' in parameters[0];
  return `Expected ${isOptional ? 'no more than ' : ''}${parameters.length} arguments in ${name} call, ${given} arguments given`;
}

/** The handle of a context's transaction; undefined without one. Throws when it is something else. */
export function transactionOf({ transaction }: EventContext, realm: RealmValues, handleOf: HandleOf): TransactionHandle | undefined {
  if (transaction === undefined || transaction === null) return undefined;
  const handle = handleOf(transaction);
  if (handle === undefined) throw realm.error(`context.transaction is no transaction: '${goText(transaction)}'`);
  return handle;
}

/** A value in a message, as Go prints it. */
export function goText(value: unknown): string {
  if (typeof value === 'function') return '[function]';
  if (typeof value === 'object' && value !== null) {
    try {
      return toText(JSON.parse(JSON.stringify(value)));
    } catch {
      return '[object]';
    }
  }
  return typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : toText(value);
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As JavaScript makes integers; what is no number is 0, as in Gohan. */
function toInteger(value: unknown): number | undefined {
  if (typeof value === 'symbol' || typeof value === 'bigint' || (typeof value === 'object' && value !== null)) return undefined;
  const number = Math.trunc(Number(value));
  return Number.isNaN(number) ? 0 : number;
}
