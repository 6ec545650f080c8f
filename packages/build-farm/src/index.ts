export { type BuildOptions, type BuiltWheel, buildWheel } from './build/build-wheel.ts';
export { type BuildPython, findPython } from './build/python.ts';
export * from './errors.ts';
export { bubblewrapIsolation, type Isolation, noIsolation } from './sandbox/isolation.ts';
export { type BuildLimits, DEFAULT_BUILD_LIMITS } from './sandbox/limits.ts';
