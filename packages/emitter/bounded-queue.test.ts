import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundedQueue } from "./bounded-queue.ts";

interface Item {
  readonly id: number;
  readonly bytes: number;
}

test("items leave in order, taken ones come back in order, and the oldest waiting one goes first when full", () => {
  const queue = new BoundedQueue<Item>(3, 1000);
  for (const id of [1, 2, 3]) expect(queue.push({ id, bytes: 1 })).toBe(0);
  const taken = [queue.take()!, queue.take()!];
  expect(queue.push({ id: 4, bytes: 1 })).toBe(1);
  queue.putBack(taken);
  expect([queue.take(), queue.take(), queue.take(), queue.take()].map((item) => item?.id)).toEqual([
    1,
    2,
    4,
    undefined,
  ]);
  expect(queue.push({ id: 5, bytes: 1 })).toBe(1);
});

test("under any use, no item is lost uncounted, none appears twice, and the bounds hold", () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant("push" as const), bytes: fc.integer({ min: 1, max: 40 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom("take" as const, "settle" as const, "putBack" as const) }),
    },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 60 }), (itemsMax, steps) => {
      const queue = new BoundedQueue<Item>(itemsMax, 100);
      let taken: Item[] = [];
      let pushed = 0;
      let dropped = 0;
      let settled = 0;
      for (const each of steps) {
        if (each.do === "push") dropped += queue.push({ id: pushed++, bytes: each.bytes });
        else if (each.do === "take") taken.push(...[queue.take()].filter((item) => item !== undefined));
        else {
          if (each.do === "settle") {
            queue.settle(taken);
            settled += taken.length;
          } else queue.putBack(taken);
          taken = [];
        }
        expect(queue.pending).toBeLessThanOrEqual(itemsMax);
        expect(pushed).toBe(dropped + settled + queue.pending);
      }
      const ids = taken.map((item) => item.id);
      for (let item = queue.take(); item; item = queue.take()) ids.push(item.id);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      expect(new Set(ids).size).toBe(ids.length);
    }),
    { seed: 7 },
  );
});
