import type { Freshness, VerifiedDistribution } from './client/verified-project.ts';

/** What a picture of the chain of trust is drawn from. */
export interface ChainOfTrust {
  readonly file: VerifiedDistribution;
  readonly freshness: Freshness;
  /** SHA-256, in hex, of the root that trust began with. */
  readonly fingerprint: string;
}

/**
 * The chain of trust of one file for a terminal: from the root that the user chose to trust down to the file, each line
 * vouching for the next.
 */
export function drawChain({ file, freshness, fingerprint }: ChainOfTrust, options: { colour?: boolean } = {}): string {
  const { voucher } = file;
  const paint = (code: number, text: string): string => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const last = voucher.chain.length - 1;
  const roles = voucher.chain.map((role, at) => ({
    name: role,
    says:
      at === last
        ? `version ${voucher.version}, signed by ${keys(voucher.keyids)}, valid until ${day(voucher.expires)}`
        : 'delegates',
  }));
  const links = [
    { name: 'root', says: `version ${freshness.rootVersion}; you trusted ${short(fingerprint)} of ${voucher.index}` },
    {
      name: 'timestamp',
      says: `version ${freshness.timestampVersion}, valid until ${freshness.timestampExpires.toISOString()}`,
    },
    ...roles,
    { name: paint(32, file.filename), says: `${file.size} bytes, sha256 ${file.sha256}` },
  ];
  const lines = links.map(({ name, says }, depth) => {
    const branch = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `;
    return `${paint(2, branch)}${name}  ${paint(2, says)}`;
  });
  return `${lines.join('\n')}\n`;
}

const short = (hex: string): string => `${hex.slice(0, 12)}…`;
const day = (date: Date): string => date.toISOString().slice(0, 10);
const keys = (keyids: readonly string[]): string =>
  `${keyids.length === 1 ? 'key' : 'keys'} ${keyids.map(short).join(', ')}`;
