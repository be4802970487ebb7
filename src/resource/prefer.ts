import type { RawHeaders } from '../http/exchange.ts';
import { fieldList, fieldValue } from './fields.ts';

/** Wishes of the client (RFC 7240) that are honoured. */
export interface Preferences {
  readonly count: 'none' | 'estimated' | 'exact' | undefined;
  readonly return: 'minimal' | 'representation' | undefined;
}

const NONE: Preferences = { count: undefined, return: undefined };

/** Unknown preferences are ignored, as the RFC asks. */
export function parsePreferences(headers: RawHeaders): Preferences {
  const value = fieldValue(headers, 'prefer');
  if (value === undefined) return NONE;
  const wishes = fieldList(value).map((member) =>
    member
      .replace(/\s*=\s*/, '=')
      .replaceAll('"', '')
      .toLowerCase(),
  );
  return {
    count: (['none', 'estimated', 'exact'] as const).find((word) => wishes.includes(`count=${word}`)),
    return: (['minimal', 'representation'] as const).find((word) => wishes.includes(`return=${word}`)),
  };
}

/** The field that tells which wishes were granted; empty when there were none. Who takes an estimate is told when the number is exact. */
export function preferenceApplied({ count, return: wanted }: Preferences, isEstimate = false): readonly string[] {
  const applied = [
    ...(count === undefined ? [] : [`count=${count === 'estimated' && !isEstimate ? 'exact' : count}`]),
    ...(wanted === undefined ? [] : [`return=${wanted}`]),
  ];
  return applied.length === 0 ? [] : ['Preference-Applied', applied.join(', ')];
}
