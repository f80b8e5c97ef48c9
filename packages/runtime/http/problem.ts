/** The members of a problem document; the same shape as `Problem` in `schemas/http/problem.ts`. */
export interface ProblemBody {
  /** Stable identifier of the kind of problem, such as `urn:plumbline:invalid-event`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong and what to do about it. */
  readonly detail: string;
  readonly field?: string;
  readonly errors?: readonly { readonly index: number; readonly field: string; readonly message: string }[];
  /** How many there were of `errors`. */
  readonly errors_count?: number;
}

/** Thrown by a handler to end the request with exactly this answer. */
export class HttpProblem extends Error {
  readonly body: ProblemBody;
  readonly headers: Readonly<Record<string, string>>;
  constructor(body: ProblemBody, headers: Readonly<Record<string, string>> = {}) {
    super(body.detail);
    this.name = "HttpProblem";
    this.body = body;
    this.headers = headers;
  }
}

/** Faults by their `code`. They are recognised by shape: this package knows no port. */
export function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { code, retryable, status, message } = (error ?? {}) as Record<string, unknown>;
  if (code === "log_full" || code === "log_unavailable" || retryable === true) {
    return new HttpProblem(
      {
        type: `urn:plumbline:${String(code).replaceAll("_", "-")}`,
        title: "Temporarily unavailable",
        status: 503,
        detail:
          code === "log_full"
            ? "The log is full. Nothing of this request was stored; send it again once there is room."
            : "A part that this request needs is unavailable. Send it again after Retry-After.",
      },
      { "retry-after": code === "log_full" ? "30" : "2" },
    );
  }
  if (code === "record_too_large")
    return tooLarge("A record is larger than the log accepts. Shorten its texts.");
  // What express itself refuses, such as a path that is not valid percent-encoding.
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new HttpProblem({
      type: "urn:plumbline:bad-request",
      title: "Bad request",
      status,
      detail: String(message),
    });
  }
  return new HttpProblem({
    type: "urn:plumbline:internal",
    title: "Internal error",
    status: 500,
    detail: "This is a fault of the service. Its log has the details.",
  });
}

export function tooLarge(detail: string): HttpProblem {
  return new HttpProblem({ type: "urn:plumbline:too-large", title: "Too large", status: 413, detail });
}

/** closing returns `problem` with the order to close the connection after it. */
export function closing(problem: HttpProblem): HttpProblem {
  return new HttpProblem(problem.body, { ...problem.headers, connection: "close" });
}
