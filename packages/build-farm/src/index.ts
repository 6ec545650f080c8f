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
export { bubblewrapIsolation, type Isolation, noIsolation } from './sandbox/isolation.ts';
export { type BuildLimits, DEFAULT_BUILD_LIMITS } from './sandbox/limits.ts';
