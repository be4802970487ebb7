/** A value that was read while something in it may have been wrong and left out: check before use. */
export type Draft<T> = T extends string | number | boolean | undefined | null
  ? T | undefined
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[] | undefined
    : unknown extends T
      ? unknown
      : { readonly [K in keyof T]?: Draft<T[K]> } | undefined;
