export { type BuildOptions, type BuiltWheel, buildWheel } from './build/build-wheel.ts';
export { type BuildPython, findPython } from './build/python.ts';
export {
  type Aspect,
  compareWheels,
  type MemberDifference,
  type WheelComparison,
} from './compare/compare-wheels.ts';
export { describeComparison } from './compare/describe.ts';
export * from './errors.ts';
export { type BuildUser, DEFAULT_BUILD_USER } from './sandbox/build-user.ts';
export { ControlGroups } from './sandbox/control-groups.ts';
export { bubblewrapIsolation, type BubblewrapOptions, type Isolation, noIsolation } from './sandbox/isolation.ts';
export { type BuildLimits, DEFAULT_BUILD_LIMITS } from './sandbox/limits.ts';
export { describeEvent, type FarmEvent } from './farm/events.ts';
export type { BuildRecord, BuildStanding } from './farm/build-record.ts';
export { FarmState } from './farm/farm-state.ts';
export type { FarmWork } from './farm/farm-work.ts';
export { buildJson, runFarm, type RunOptions, type RunSummary } from './farm/run-farm.ts';
