import { expect, test } from "vitest";
import { fitTopics } from "./topics.ts";

const word = (kind: string, n: number): string => `${String.fromCodePoint(97 + (n % 26))}${n}${kind}`;

test("a word that few texts have names no topic, however telling it is", () => {
  const documents = Array.from({ length: 600 }, (_, i) => {
    const subject = i % 15;
    // One customer wrote nine times, always about the same.
    const surname = subject === 0 && i < 135 ? "zyxwanda" : "";
    return {
      id: `c${i}`,
      text: `${word("one", subject)} ${word("two", subject)} ${surname} ${word("other", i % 77)}`,
    };
  });
  const words = fitTopics(documents)!.topics.flatMap((topic) => topic.words);
  expect(words).toContain(word("one", 0));
  expect(words).not.toContain("zyxwanda");
});
