import { type FieldError, SekishoError, tellFirst } from '../lib/errors.ts';

/** Tells one thing that is wrong with a policy. */
export type Report = (detail: string) => void;

/** Collects what is wrong with policies, so that all of it is told at once. */
export interface PolicyProblems {
  /** The reporter of the policy `id`, which stands at `place`. */
  of(id: string, place: string): Report;
  /** Throws SCHEMA_INVALID with every problem and its place, when there is any. */
  throwIfAny(): void;
}

export function collectPolicyProblems(): PolicyProblems {
  const errors: FieldError[] = [];
  return {
    of: (id, place) => (detail) => void errors.push({ pointer: place, detail: `policy "${id}": ${detail}` }),
    throwIfAny: () => {
      if (errors.length > 0) throw new SekishoError('SCHEMA_INVALID', tellFirst(errors), { errors });
    },
  };
}
