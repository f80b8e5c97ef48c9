/** One line of `plumbline doctor`. */

type FindingStatus = "ok" | "warn" | "fail";

export interface Finding {
  /** Stable, for scripts: `delivery.support`. */
  readonly check: string;
  readonly status: FindingStatus;
  readonly message: string;
  /** What mends it; null when nothing has to be done. */
  readonly next: string | null;
  /** Something did not answer: nothing is known beyond it. */
  readonly isUnreachable: boolean;
}

export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message, next: null, isUnreachable: false };
}

export function warn(check: string, message: string, next: string | null): Finding {
  return { check, status: "warn", message, next, isUnreachable: false };
}

export function fail(check: string, message: string, next: string, isUnreachable = false): Finding {
  return { check, status: "fail", message, next, isUnreachable };
}
