import { expect, test } from "vitest";
import { factsOf, isSameQuestion } from "./question-facts.ts";

/** Whether the rules let the vectors decide. */
function areCompared(a: string, b: string): boolean {
  const [left, right] = [factsOf(a), factsOf(b)];
  if (left === null || right === null) return false;
  return left.facts.join() === right.facts.join() && isSameQuestion(left.words, right.words);
}

const DIFFERENT: readonly (readonly [what: string, a: string, b: string])[] = [
  ["another number", "I want a refund of 50", "I want a refund of 500"],
  ["another currency", "I want a refund of 50 €", "I want a refund of 50 $"],
  ["another decimal", "Is the fee 1.5 percent?", "Is the fee 15 percent?"],
  ["a sign", "Is it -5 degrees?", "Is it 5 degrees?"],
  ["a unit glued to a number", "Is the limit 50k?", "Is the limit 50m?"],
  ["a number in words", "Can I get a refund of fifty euros?", "Can I get a refund of five hundred euros?"],
  ["a number in German words", "Kann ich zwei Karten haben?", "Kann ich drei Karten haben?"],
  ["an order number", "Where is my order A-1001?", "Where is my order A-1002?"],
  ["one number more", "Can I change order 17?", "Can I change my order?"],
  ["numbers in another order", "Is 5 more than 7?", "Is 7 more than 5?"],
  ["full-width digits differ too", "I want a refund of ５０", "I want a refund of 500"],
  ["is and is not", "The card is accepted in the shop", "The card is not accepted in the shop"],
  ["is and isn't", "The card is accepted in the shop", "The card isn't accepted in the shop"],
  ["a typographic apostrophe", "The card is accepted here", "The card isn’t accepted here"],
  ["can and can't", "I can log in", "I can't log in"],
  ["can and cannot", "I can log in", "I cannot log in"],
  ["with and without", "Do I get it with insurance?", "Do I get it without insurance?"],
  ["never", "I have received the parcel", "I have never received the parcel"],
  ["German nicht", "Das Paket ist angekommen", "Das Paket ist nicht angekommen"],
  ["German kein", "Ich habe eine Rechnung", "Ich habe keine Rechnung"],
  ["French ne pas", "Le colis est arrivé chez moi", "Le colis n'est pas arrivé chez moi"],
  ["Spanish no", "El paquete ha llegado a mi casa", "El paquete no ha llegado a mi casa"],
  ["another name", "When does the contract of Anna end?", "When does the contract of Berta end?"],
  ["a name that begins", "Anna wants to have her money back", "Berta wants to have her money back"],
  ["a name in lower case", "what is the balance of anna", "what is the balance of berta"],
  ["two names in lower case", "what is the balance of anna smith", "what is the balance of berta jones"],
  ["names that change places", "Did Anna pay for Berta?", "Did Berta pay for Anna?"],
  [
    "places that change places in lower case",
    "how do i get from paris to london",
    "how do i get from london to paris",
  ],
  ["a country", "what is the capital of france", "what is the capital of germany"],
  ["a name after an elision", "Quel est le prix chez l'Oréal ?", "Quel est le prix chez l'Occitane ?"],
  ["a day", "Are you open on Monday?", "Are you open on Sunday?"],
  ["a day in lower case", "are you open on monday", "are you open on sunday"],
  ["a date", "What did I pay on 2026-01-02?", "What did I pay on 2026-02-01?"],
  ["a month in French", "Quelle est la date en janvier ?", "Quelle est la date en juillet ?"],
  ["tomorrow and today", "Can you deliver it today?", "Can you deliver it tomorrow?"],
  ["a month more", "What is my bill?", "What is my bill of march?"],
  ["an opposite", "How do I enable the alarm?", "How do I disable the alarm?"],
  ["a question word", "When is my parcel there?", "Where is my parcel?"],
  ["whose", "What is your address?", "What is my address?"],
  ["another address", "Send it to a@example.com please", "Send it to b@example.com please"],
  ["a symbol", "Is a < b?", "Is a > b?"],
  ["an emoji", "I am 👍 with that", "I am 👎 with that"],
  ["languages", "What is the price of the ticket?", "Was ist der Preis der Karte?"],
];

test.each(DIFFERENT)("two questions: %s", (_what, a, b) => {
  expect(factsOf(a)).not.toBeNull();
  expect(factsOf(b)).not.toBeNull();
  expect(areCompared(a, b)).toBe(false);
  expect(areCompared(b, a)).toBe(false);
});

test.each([
  ["a language without rules", "Is mijn pakket aangekomen?", "Is mijn pakket niet aangekomen?"],
  ["another language without rules", "Tilaukseni saapui eilen", "Tilaukseni ei saapunut eilen"],
  ["writing without capital letters", "我的订单在哪里", "我的订单不在哪里"],
])("not compared at all: %s", (_what, a, b) => {
  expect(factsOf(a)).toBeNull();
  expect(factsOf(b)).toBeNull();
});

test.each([
  ["How do I reset my password?", "how can i reset my password"],
  ["Where is my order A-1001?", "Hello, where is my order A-1001 please?"],
  ["What is the refund policy?", "What's the refund policy?"],
  ["I can't log in", "I cannot log in"],
  ["The card isn't accepted here", "The card is not accepted here"],
  ["Wie kann ich mein Passwort zurücksetzen?", "Wie könnte ich mein Passwort denn zurücksetzen?"],
  ["Comment est-ce que je peux payer ?", "Bonjour, comment je peux payer ?"],
  ["¿Cómo puedo pagar con tarjeta?", "Hola, ¿cómo puedo pagar con tarjeta por favor?"],
  ["Did Anna pay 50 € on Monday?", "Did Anna pay the 50 € on Monday please?"],
])("compared: %s | %s", (a, b) => {
  expect(areCompared(a, b)).toBe(true);
});

test("a text beyond the limit, an empty one, and one of symbols are not compared, quickly", () => {
  expect(factsOf("the ".repeat(2_001))).toBeNull();
  expect(factsOf("")).toBeNull();
  expect(factsOf("50 €")).toBeNull();
  for (const unit of ["a'", "n't", "can't ", "1.", "-", "é", "a@", "not"])
    factsOf(unit.repeat(2_000).slice(0, 8_000));
});
