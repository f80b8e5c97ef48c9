/** What the output of `npm audit --json` means for a build. */

interface Report {
  readonly statusCode?: unknown;
  readonly error?: { readonly statusCode?: unknown };
  readonly vulnerabilities?: Readonly<Record<string, unknown>>;
  readonly metadata?: {
    readonly vulnerabilities?: {
      readonly high?: unknown;
      readonly critical?: unknown;
      readonly total?: unknown;
    };
    readonly dependencies?: { readonly prod?: unknown };
  };
}

/** Reads the output. Only a registry without the list of weaknesses is let through unread. */
export function readAudit(output: string): { readonly isOk: boolean; readonly says: string } {
  let report: Report | null;
  try {
    report = JSON.parse(output) as Report | null;
  } catch {
    return { isOk: false, says: "npm audit said nothing that can be read" };
  }
  const { high, critical, total } = report?.metadata?.vulnerabilities ?? {};
  if (typeof high === "number" && typeof critical === "number") {
    const found = Object.keys(report?.vulnerabilities ?? {}).join(", ");
    const packages = `${String(report?.metadata?.dependencies?.prod)} production packages`;
    const says = `${packages}: ${critical} critical, ${high} high, ${String(total)} in all${found === "" ? "" : ` (${found})`}`;
    return { isOk: high + critical === 0, says };
  }
  if (report?.statusCode === 405 || report?.error?.statusCode === 405) {
    const says =
      "NOT AUDITED: this registry has no list of weaknesses (405). Run npm audit against one that has.";
    return { isOk: true, says };
  }
  return { isOk: false, says: `npm audit failed: ${output.slice(0, 500)}` };
}
