import { expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";

test("what nobody would send ends no process, is answered without a 5xx, and costs little", async () => {
  const { faults } = await fuzz({ seed: 20_261_130, requests: 600 });
  expect(faults).toEqual([]);
}, 180_000);
