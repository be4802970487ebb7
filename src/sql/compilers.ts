import type { ResourceType } from '../schema/types.ts';
import { createLockCompiler } from './compile-lock.ts';
import { createSelectCompiler, type SelectPlan } from './compile-select.ts';
import { createWriteCompiler } from './compile-write.ts';
import type { Dialect } from './dialect.ts';
import type { Compilers } from './session.ts';
import { createStatementBook } from './statement-book.ts';

/** The compilers of one set of schemas for one database. */
export function createCompilers(
  dialect: Dialect,
  resources: ReadonlyMap<string, ResourceType>,
  options: { readonly cascadeDelete: boolean; readonly eventLog?: boolean },
): Compilers {
  return {
    dialect,
    resources,
    cascadeDelete: options.cascadeDelete,
    hasEventLog: options.eventLog ?? true,
    select: createSelectCompiler(dialect, resources, createStatementBook<SelectPlan>()),
    lock: createLockCompiler(dialect, resources, createStatementBook<readonly string[]>()),
    write: createWriteCompiler(dialect, createStatementBook<string>()),
  };
}
