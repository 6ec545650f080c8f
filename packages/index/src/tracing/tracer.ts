/** Of what a span can be a part. Only the tracer that made it looks inside. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
}

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  readonly name: string;
  readonly kind?: 'server';
  readonly attributes?: Attributes;
  /** What it is a part of; else of the work that it is called in. */
  readonly parent?: Trace | undefined;
  /** Of a request: the W3C header field of whoever sent it. */
  readonly traceparent?: string | undefined;
  /** What it was also done for. */
  readonly links?: readonly Trace[];
}

/** A span while it lasts. */
export interface OpenSpan {
  readonly trace: Trace;
  set(attributes: Attributes): void;
}

/** Shows operators where the time of a request went. */
export interface Tracer {
  /** Runs work as a span. What is watched in the work becomes a part of it. A failure is told by its name and code only. */
  run<T>(options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** Sends what was not sent yet, for a few seconds at most. */
  close(): Promise<void>;
}
