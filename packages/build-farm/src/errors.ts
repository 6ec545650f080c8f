/** Every error that this package throws by itself. `code` is stable; `message` is a sentence for the maintainer of a farm. */
export type BuildFarmErrorCode =
  | 'ISOLATION_UNAVAILABLE'
  | 'BUILD_TOOLS'
  | 'BUILD_REQUIREMENTS'
  | 'BUILD_FAILED'
  | 'BUILD_LIMIT'
  | 'WRONG_WHEEL'
  | 'NOT_REPRODUCED'
  | 'FARM_RUNNING';

export class BuildFarmError extends Error {
  readonly code: BuildFarmErrorCode;

  constructor(code: BuildFarmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Builds cannot be shut in on this machine, so none is started. */
export class IsolationUnavailableError extends BuildFarmError {
  readonly reason: string;
  readonly remedy: string;

  constructor(reason: string, remedy: string, options?: ErrorOptions) {
    super('ISOLATION_UNAVAILABLE', `builds cannot be isolated on this machine: ${reason}`, options);
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** The Python of the farm lacks what builds are made with. */
export class BuildToolsError extends BuildFarmError {
  readonly python: string;

  constructor(python: string, why: string, options?: ErrorOptions) {
    super('BUILD_TOOLS', `${python} cannot build: ${why}`, options);
    this.python = python;
  }
}

/** What the build needs cannot be had as verified wheels. Later it may. */
export class BuildRequirementsError extends BuildFarmError {
  readonly requirements: readonly string[];
  /** The end of what was said. */
  readonly log: string;

  constructor(requirements: readonly string[], why: string, log = '', options?: ErrorOptions) {
    super('BUILD_REQUIREMENTS', `the build requirements ${requirements.join(', ')}: ${why}`, options);
    this.requirements = requirements;
    this.log = log;
  }
}

/** The sdist does not build. */
export class BuildFailedError extends BuildFarmError {
  /** Where it ended: `unpack`, `install`, `read`, `build`, `result`, … */
  readonly step: string;
  /** The end of what the build said. */
  readonly log: string;

  constructor(step: string, why: string, log: string, options?: ErrorOptions) {
    super('BUILD_FAILED', `the build failed (${step}): ${why}`, options);
    this.step = step;
    this.log = log;
  }
}

/** The build took more than it may and was ended. */
export class BuildLimitError extends BuildFarmError {
  readonly limit: string;
  readonly log: string;

  constructor(limit: string, allowed: string, log: string) {
    super('BUILD_LIMIT', `the build was ended: more ${limit} than ${allowed}`);
    this.limit = limit;
    this.log = log;
  }
}

/** The wheel is not one of this sdist. */
export class WrongWheelError extends BuildFarmError {
  constructor(why: string, options?: ErrorOptions) {
    super('WRONG_WHEEL', `the wheel does not agree with its sdist: ${why}`, options);
  }
}

/** Another farm built something else of the same sdist, or signed something that does not follow from it. */
export class NotReproducedError extends BuildFarmError {
  readonly filename: string;
  /** A table or a sentence for the maintainers. */
  readonly report: string;

  constructor(filename: string, report: string) {
    super('NOT_REPRODUCED', `${filename} is not what was built here of the same sdist`);
    this.filename = filename;
    this.report = report;
  }
}

/** Another process works with this state. */
export class FarmRunningError extends BuildFarmError {
  readonly directory: string;

  constructor(directory: string, options?: ErrorOptions) {
    super('FARM_RUNNING', `another build farm works in ${directory}`, options);
    this.directory = directory;
  }
}
