/** What `webhook` can do. */
export const WEBHOOK_WORDS = ['list', 'show', 'retry', 'drop'] as const;
