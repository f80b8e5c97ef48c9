/** Who gets a promoted version: everybody, a share of the conversations, or shares that rise by themselves. */
import { InvalidArgumentError } from "commander";
import { Ramp } from "@plumbline/schemas";
import { percent } from "../text/spoken.ts";

/** @throws InvalidArgumentError unless it is a number above 0, at most 1 */
export function readWeight(text: string): number {
  const weight = text.trim() === "" ? Number.NaN : Number(text);
  if (weight > 0 && weight <= 1) return weight;
  throw new InvalidArgumentError("must be a share of conversations above 0, at most 1, such as 0.1");
}

/**
 * @param text percentages, such as `5,25,100`
 * @throws InvalidArgumentError unless they rise and end with 100
 */
export function readRamp(text: string): Ramp {
  const shares = text.split(",").map((step) => (step.trim() === "" ? Number.NaN : Number(step) / 100));
  const ramp = Ramp.safeParse(shares);
  if (ramp.success) return ramp.data;
  throw new InvalidArgumentError("must be 2 to 10 rising percentages that end with 100, such as 5,25,100");
}

export function describeExposure({
  weight,
  ramp,
}: {
  readonly weight?: number;
  readonly ramp?: Ramp;
}): string {
  if (ramp !== undefined) return `${ramp.map(percent).join(", then ")}, each step once the last is cleared`;
  return weight === undefined || weight === 1 ? "everybody" : `${percent(weight)} of the conversations`;
}
