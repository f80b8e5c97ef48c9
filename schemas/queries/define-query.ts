/**
 * A query of the store in one place: its SQL file, what it is asked with, and a row of its answer. The types of the `Store`
 * port are inferred from here.
 *
 * Times are ISO 8601 UTC strings with milliseconds on both sides; windows are half-open `[start, end)`.
 */
import { z } from "zod";

/** Values by the names that stand in the SQL. A `Date` is written as the engine spells times. */
export type SqlParameters = Readonly<Record<string, string | number | Date | readonly string[]>>;

export interface Query<Asked = unknown, Row = unknown> {
  /** File of `schemas/clickhouse/queries`, without its ending. */
  readonly file: string;
  /** From what is asked to the parameters of the SQL. */
  readonly parameters: z.ZodType<SqlParameters, Asked>;
  /** One row as the engine writes it, to one row of the port. */
  readonly row: z.ZodType<Row>;
}

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/** The type of a row that this schema describes. */
export type RowOf<Schema extends z.ZodType> = DeepReadonly<z.output<Schema>>;
/** What a query with these parameters is asked with. */
export type AskedOf<Parameters extends z.ZodType> = DeepReadonly<z.input<Parameters>>;

export function defineQuery<Parameters extends z.ZodType<SqlParameters>, Schema extends z.ZodType>(
  file: string,
  parameters: Parameters,
  row: Schema,
): Query<AskedOf<Parameters>, RowOf<Schema>> {
  return { file, parameters, row } as Query<AskedOf<Parameters>, RowOf<Schema>>;
}

/** A time that is asked with. */
export const time = z.string().transform((iso) => new Date(iso));
/** The engine writes whole hours and days without milliseconds; the port's times have them. */
export const wholeTime = z.string().transform((iso) => new Date(iso).toISOString());

export const NOTHING = z.object({});
export const SINCE = z.object({ since: time });

export const WINDOW = z.object({ start: time, end: time });

export const USE_CASE_WINDOW = z.object({ ...WINDOW.shape, use_case: z.string() });

/** An empty page is all use cases: whoever asks about none doesn't ask. */
export const USE_CASE_PAGE = z
  .object({
    ...WINDOW.shape,
    use_cases: z.array(z.object({ tenant: z.string(), use_case: z.string() })).optional(),
  })
  .transform(({ use_cases = [], ...window }) => ({
    ...window,
    tenants: use_cases.map(({ tenant }) => tenant),
    use_cases: use_cases.map(({ use_case }) => use_case),
  }));
/** A question about some use cases, of all environments; about all of them when none is named. */
export type UseCasePage = AskedOf<typeof USE_CASE_PAGE>;

export const useCaseKey = { tenant: z.string(), env: z.string(), use_case: z.string() };
export const versionKey = { ...useCaseKey, prompt_version: z.string() };
/** What may be compared with one another: one criterion of a use case under one rubric and judge. */
const QualitySeries = z.object({
  ...useCaseKey,
  criterion: z.string(),
  rubric_hash: z.string(),
  judge: z.string(),
});
export type QualitySeries = RowOf<typeof QualitySeries>;
export const seriesKey = QualitySeries.shape;

/** Pairs of a bin and the calls in it. */
export const binCounts = z.array(z.tuple([z.number(), z.number()]));
