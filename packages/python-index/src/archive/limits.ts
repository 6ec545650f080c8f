import { ArchiveLimitError } from '../errors.ts';

/** What reading an archive may cost. Sizes in bytes. */
export interface ArchiveLimits {
  /** All entries together, unpacked. */
  readonly unpackedBytes: number;
  /** Unpacked ÷ packed, looked at only above `ratioFreeBytes`: small archives of zeros are harmless. */
  readonly ratio: number;
  readonly ratioFreeBytes: number;
  readonly entries: number;
  /** METADATA, PKG-INFO and WHEEL, each. */
  readonly metadataBytes: number;
  /** RECORD, which grows with the number of files. */
  readonly recordBytes: number;
}

/** The ratio and its exemption are those of PyPI; 4 GiB is about 20 seconds of unpacking. */
export const DEFAULT_LIMITS: ArchiveLimits = {
  unpackedBytes: 4 * 1024 ** 3,
  ratio: 50,
  ratioFreeBytes: 64 * 1024 ** 2,
  entries: 100_000,
  metadataBytes: 4 * 1024 ** 2,
  recordBytes: 32 * 1024 ** 2,
};

/** @throws ArchiveLimitError when `unpacked` bytes out of `packed` are more than the limits allow. */
export function checkUnpacked(limits: ArchiveLimits, unpacked: number, packed: number): void {
  if (unpacked > limits.unpackedBytes)
    throw new ArchiveLimitError('unpackedBytes', `the archive unpacks to more than ${limits.unpackedBytes} bytes`);
  if (unpacked > limits.ratioFreeBytes && unpacked > limits.ratio * packed)
    throw new ArchiveLimitError(
      'ratio',
      `the archive unpacks to more than ${limits.ratio} times its size: an archive bomb`,
    );
}

/** @throws ArchiveLimitError */
export function checkEntries(limits: ArchiveLimits, entries: number): void {
  if (entries > limits.entries)
    throw new ArchiveLimitError('entries', `the archive has more than ${limits.entries} entries`);
}
