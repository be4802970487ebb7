/** The pattern of LIKE … ESCAPE '|' that finds `text` anywhere. `|`, since a backslash means something else to every database. */
export function escapeLike(text: string): string {
  return `%${text.replaceAll(/[%_|]/g, '|$&')}%`;
}
