import { SekishoError } from '../lib/errors.ts';

/** Writes one of many rows; a refusal says which, since somebody has to find it. What is tried again, or concerns the database as a whole, passes. */
export async function namingRow(where: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof SekishoError) || !error.code.startsWith('RESOURCE_')) throw error;
    throw new SekishoError(error.code, `${where}: ${error.message}`, { cause: error });
  }
}
