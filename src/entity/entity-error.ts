import { type ErrorCode, type ErrorOptions, SekishoError } from '../lib/errors.ts';
import type { EntityId } from './types.ts';

/** A failure that is about one entity of a change: whoever applies many knows which one to leave out. */
export class EntityError extends SekishoError {
  readonly entity: EntityId;

  constructor(code: ErrorCode, entity: EntityId, detail: string, options: ErrorOptions = {}) {
    super(code, detail, options);
    this.entity = entity;
  }
}
