/** Anything with an end. */
export interface Closable {
  close(): Promise<void> | void;
}

/** Closes what was added, last first: parts end before those that they are built on. */
export interface Closing extends Closable {
  add<T extends Closable>(part: T): T;
  close(): Promise<void>;
}

export function createClosing(): Closing {
  const parts: Closable[] = [];
  return {
    add(part) {
      parts.push(part);
      return part;
    },
    async close() {
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) await part.close();
    },
  };
}
