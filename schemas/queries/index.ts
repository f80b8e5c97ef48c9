/**
 * The queries of the store, by question. A new one is a file of `schemas/clickhouse/queries` and an entry in one of these:
 * the port and the adapter have it then.
 */
import { COVERAGE } from "./coverage.ts";
import { DELIVERY } from "./delivery.ts";
import { JUDGING } from "./judging.ts";
import { MEASURES } from "./measures.ts";
import { TRAFFIC } from "./traffic.ts";
import { WATCHES } from "./watches.ts";

export type * from "./coverage.ts";
export type { Query, QualitySeries, SqlParameters, UseCasePage } from "./define-query.ts";
export type * from "./delivery.ts";
export type * from "./erasure.ts";
export type * from "./judging.ts";
export type * from "./measures.ts";
export type * from "./traffic.ts";
export type * from "./watches.ts";
export { OFFSETS } from "./delivery.ts";
export { ERASURE } from "./erasure.ts";
export { WORK_LIST } from "./judging.ts";
export { FEATURE_CELLS } from "./measures.ts";

/** Each is a method of the store, under the name that it has here. */
export const QUERIES = { ...COVERAGE, ...DELIVERY, ...JUDGING, ...MEASURES, ...TRAFFIC, ...WATCHES };
