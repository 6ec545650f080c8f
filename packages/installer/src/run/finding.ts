/** Something in the arguments or files of a tool that the verifying proxy will not let through. */
export interface Finding {
  /**
   * `unsafe`: it would lead around the proxy, so the tool must not be started. `blocked`: the proxy will refuse it.
   * `unverified`: a file of this machine that no index is asked about.
   */
  readonly kind: 'unsafe' | 'blocked' | 'unverified';
  /** `the command line`, or a file with its line. */
  readonly where: string;
  /** An option, a setting or a requirement. */
  readonly what: string;
  /** The address or path that it names, without credentials. */
  readonly value: string;
}

/** Whether a text is an address that a tool would fetch from, with or without a version control prefix. */
export function isRemote(text: string): boolean {
  return /^([a-z]+\+)?(https?|ssh|git|ftp):\/\//i.test(text) || /^git\+/i.test(text);
}

/** Credentials in addresses do not belong on a terminal. */
export function shown(address: string): string {
  return address.replace(/\/\/[^/@\s]*@/, '//').slice(0, 200);
}
