import type { ResourceType } from '../schema/types.ts';
import { createSelectCompiler, type SelectPlan } from './compile-select.ts';
import { createWriteCompiler } from './compile-write.ts';
import type { Dialect } from './dialect.ts';
import type { Compilers } from './session.ts';
import { createStatementBook } from './statement-book.ts';

/** The compilers of one set of schemas for one database. */
export function createCompilers(dialect: Dialect, resources: ReadonlyMap<string, ResourceType>, cascadeDelete: boolean): Compilers {
  return {
    dialect,
    resources,
    cascadeDelete,
    select: createSelectCompiler(dialect, resources, createStatementBook<SelectPlan>()),
    write: createWriteCompiler(dialect, createStatementBook<string>()),
  };
}
