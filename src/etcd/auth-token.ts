/** The token that etcd gives for a password; one login at a time. */
export interface AuthToken {
  /** The token, after a login when there is none; undefined where etcd asks for none. */
  get(): Promise<string | undefined>;
  /** etcd refused `token`: the next `get` logs in anew, unless that happened already. */
  drop(token: string | undefined): void;
}

/** `login` gives undefined when authentication is switched off in etcd; that is asked again after a `drop`. */
export function createAuthToken(login: () => Promise<string | undefined>): AuthToken {
  let known: { readonly token: string | undefined } | undefined;
  let pending: Promise<string | undefined> | undefined;
  const renew = async (): Promise<string | undefined> => {
    try {
      const token = await login();
      known = { token };
      return token;
    } finally {
      pending = undefined;
    }
  };
  return {
    async get() {
      if (known !== undefined) return known.token;
      pending ??= renew();
      return await pending;
    },
    drop(token) {
      if (known?.token === token) known = undefined;
    },
  };
}
