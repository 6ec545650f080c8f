/** One project of the root page. */
export interface RootProject {
  /** Display name or normalized name. */
  readonly name: string;
  /** The serial of the project's newest change: what mirrors compare to find what changed. */
  readonly lastSerial?: number;
}
