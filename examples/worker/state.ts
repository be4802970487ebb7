import type { ExtensionContext } from '@sekisho/sdk/extension';

/** The action `GET /site/v1/pages/{id}/state`: which version of the page there is, and which one a worker made real. */
export const state = async (context: ExtensionContext) => {
  context.response = await context.tx.state('page', context.id);
};
