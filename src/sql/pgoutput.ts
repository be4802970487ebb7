/** What a message of the output plug-in `pgoutput` (protocol version 1) tells. Those of other kinds, and of other tables, are undefined. */
export type PgoutputMessage =
  | { readonly kind: 'begin' }
  | { readonly kind: 'insert'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'delete'; readonly id: number }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'commit'; readonly end: bigint };

const DELETE = 0x44;

/** A decoder with the memory of one stream: which of its relations is the event log. */
export function createPgoutputDecoder(table: string): (message: Buffer) => PgoutputMessage | undefined {
  const relations = new Map<number, { readonly id: number; readonly body: number }>();
  return (message) => {
    switch (String.fromCharCode(message[0] ?? 0)) {
      case 'B':
        return { kind: 'begin' };
      case 'C':
        // Flags, the place of the commit, and where it ends.
        return { kind: 'commit', end: message.readBigUInt64BE(10) };
      case 'R': {
        const relation = readRelation(message);
        if (relation.table === table)
          relations.set(relation.oid, { id: relation.columns.indexOf('id'), body: relation.columns.indexOf('body') });
        return undefined;
      }
      case 'I':
      case 'D': {
        const columns = relations.get(message.readUInt32BE(1));
        if (columns === undefined) return undefined;
        // After the letter that tells whether it is the new row, the old one, or its key.
        const places = readTuple(message, 6);
        const place = places[columns.id];
        const body = places[columns.body];
        if (place === undefined) return undefined;
        const id = Number(message.toString('latin1', place.start, place.end));
        return message[0] === DELETE
          ? { kind: 'delete', id }
          : { kind: 'insert', id, bytes: body === undefined ? 0 : body.end - body.start };
      }
      case 'T': {
        const oids = Array.from({ length: message.readUInt32BE(1) }, (_, index) => message.readUInt32BE(6 + 4 * index));
        return oids.some((oid) => relations.has(oid)) ? { kind: 'truncate' } : undefined;
      }
      default:
        return undefined;
    }
  };
}

function readRelation(message: Buffer): { readonly oid: number; readonly table: string; readonly columns: readonly string[] } {
  let at = 5;
  const word = (): string => {
    const end = message.indexOf(0, at);
    const text = message.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  word();
  const table = word();
  // The replica identity.
  at += 1;
  const count = message.readUInt16BE(at);
  at += 2;
  const columns = Array.from({ length: count }, () => {
    at += 1;
    const name = word();
    // Type and its modifier.
    at += 8;
    return name;
  });
  return { oid: message.readUInt32BE(1), table, columns };
}

/** Where the values of a row stand; undefined for those that are null. */
function readTuple(message: Buffer, from: number): readonly ({ readonly start: number; readonly end: number } | undefined)[] {
  let at = from + 2;
  return Array.from({ length: message.readUInt16BE(from) }, () => {
    const kind = String.fromCharCode(message[at] ?? 0);
    at += 1;
    if (kind !== 't' && kind !== 'b') return undefined;
    const start = at + 4;
    at = start + message.readUInt32BE(at);
    return { start, end: at };
  });
}
