/** A closed interval; `lower <= upper`. Same unit as the estimate it belongs to. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
}
