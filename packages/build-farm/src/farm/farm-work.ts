import type { Workbench } from '@holdfast/developer';
import type { Signer } from '@holdfast/tuf';
import type { BuildOptions } from '../build/build-wheel.ts';
import type { FarmEvent } from './events.ts';
import type { FarmState } from './farm-state.ts';

/** What all parts of a farm work with. */
export interface FarmWork {
  readonly bench: Workbench;
  readonly signer: Signer;
  readonly state: FarmState;
  /** How this project's sdists are built. */
  readonly building: (project: string) => Omit<BuildOptions, 'client'>;
  /** Sdists that the index got longer ago than this are left alone, in milliseconds. */
  readonly maxAgeMs: number;
  readonly tell: (happened: FarmEvent) => void;
}
