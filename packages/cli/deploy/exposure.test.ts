import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { describeExposure, readRamp, readWeight } from "./exposure.ts";

test("a ramp is written in percent and sent in shares", () => {
  expect(readRamp("5, 25,100")).toEqual([0.05, 0.25, 1]);
  expect(describeExposure({ ramp: [0.05, 0.25, 1] })).toMatch(/^5%, then 25%, then 100%/);
});

test.each(["100", "5,25", "25,5,100", "0,100", "5,,100", "5,x,100", "5,100,100"])("%s is no ramp", (text) => {
  expect(() => readRamp(text)).toThrow(InvalidArgumentError);
});

test.each(["0", "1.5", "-0.1", "", "ten"])("%j is no share", (text) => {
  expect(() => readWeight(text)).toThrow(InvalidArgumentError);
});
