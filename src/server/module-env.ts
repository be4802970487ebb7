/** Names that look like those of secrets: not shown to modules unless they are listed. */
const SECRET_NAME = /secret|token|passw|credential|private|apikey|(^|_)(key|auth|pass|pwd)(_|$)/i;

/** `process.env` of modules: the variables that `names` lists, or, without a list, all but those whose names look like secrets. */
export function toModuleEnv(env: NodeJS.ProcessEnv, names: readonly string[] | undefined): Readonly<Record<string, string>> {
  const isShown = names === undefined ? (name: string) => !SECRET_NAME.test(name) : (name: string) => names.includes(name);
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && isShown(entry[0])));
}
