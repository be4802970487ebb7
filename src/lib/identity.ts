/** Who asks. Made by an identity provider from the request's credentials; policies judge by it. */
export interface Identity {
  /** Role names; `Nobody` alone for callers without credentials. */
  readonly roles: readonly string[];
  readonly tenantId: string;
  readonly tenantName: string;
  readonly domainId: string;
  readonly domainName: string;
  /** What the token is for: one tenant, a whole domain, or everything. */
  readonly scope: 'tenant' | 'domain' | 'admin';
  /** For logs and history: user id, key name or token subject. */
  readonly principal: string;
}
