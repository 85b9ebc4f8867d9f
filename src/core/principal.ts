/** Who asks. Every request carries a principal from the door to the one place that authorises a bound plan. */
export interface Principal {
  readonly name: string;
  readonly kind: 'anonymous' | 'user' | 'token' | 'embedded';
}

export const ANONYMOUS: Principal = { name: 'anonymous', kind: 'anonymous' };
export const EMBEDDED: Principal = { name: 'embedded', kind: 'embedded' };
