/** The second module of the route; its source is in sekisho.yaml. */
export function ask(path: string): Promise<string>;
