/** What is told to a client whose request cannot be answered as asked. */
export interface Problem {
  /** HTTP status, 400–599. */
  readonly status: number;
  /** Stable, for programs: `FILENAME_TAKEN`. */
  readonly code: string;
  /** For people: what is wrong and what to do, in one or two sentences without line breaks. */
  readonly message: string;
  /** Further response fields, such as `Retry-After`, `Allow` or `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is answered with a {@link Problem}. The cause goes to the log, never to the client. */
export class HttpError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.message, options);
    this.name = 'HttpError';
    this.problem = problem;
  }
}

/** The answer for everything that is not here. Never 403: uv stops its search through the indexes at a 403. */
export function notFound(what: string): HttpError {
  return new HttpError({ status: 404, code: 'NOT_FOUND', message: `${what} does not exist on this index.` });
}

export function methodNotAllowed(allow: string): HttpError {
  return new HttpError({
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    message: `This address answers ${allow} only. Uploads go to /legacy/, installers read /simple/.`,
    headers: { Allow: allow },
  });
}
