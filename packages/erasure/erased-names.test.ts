import { expect, test } from "vitest";
import { nameHash, withoutErasedNames } from "./erased-names.ts";

const isErased = (hash: string): boolean =>
  ["customer=Ann", "customer=Ann Lee", "region=São Paulo", "plan=a=b"].some(
    (name) => nameHash("t", name) === hash,
  );
const clean = (text: string, tenant = "t"): string => withoutErasedNames(text, tenant, isErased);

test.each([
  ["customer=Ann", "customer=erased"],
  ["Worst in customer=Ann (12 of 20) and lang=en.", "Worst in customer=erased (12 of 20) and lang=en."],
  ["customer=Anna and customer=Ann", "customer=Anna and customer=erased"],
  ["customer=Ann Leeds", "customer=erased Leeds"],
  ["customer=Ann Lee, customer=Ann", "customer=erased, customer=erased"],
  ["cell=region=São Paulo|customer=Ann", "cell=region=erased|customer=erased"],
  ["plan=a=b", "plan=erased"],
  ["old_customer=Ann", "old_customer=Ann"],
])("%s becomes %s", (text, expected) => {
  expect(clean(text)).toBe(expected);
  expect(clean(expected)).toBe(expected);
});

test("a name is one tenant's, and a name without a value is none", () => {
  expect(clean("customer=Ann", "other")).toBe("customer=Ann");
  expect(nameHash("t", "mentions_money")).toBeNull();
});
