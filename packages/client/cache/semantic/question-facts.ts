/**
 * What two questions must have in common before their meanings are compared. Vectors of questions that differ in a
 * number, a name or a "not" are nearly equal, so these are read from the text, by rules.
 *
 * Where the rules can't read a text it is not compared at all: languages other than these four, and writing without
 * capital letters, in which names can't be told.
 */

/** Longest text that is compared, UTF-16 units; about 2,000 tokens. */
const TEXT_CHARS_MAX = 8_000;

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Say nothing by themselves: one of them more or less, or another, is the same question. */
const EMPTY: readonly ReadonlySet<string>[] = [
  "a an the is are am was were be been do does did can could will would please thanks hello hi hey this that there it s so just and",
  "der die das den dem des ein eine einen einem einer ist sind bin war waren wird werden kann können könnte könnten bitte danke hallo und doch mal denn es",
  "le la les l un une des du est sont suis était peut peux puis pouvez pourrais bonjour merci et ce c cette s il te plaît",
  "el la los las un una unos unas es son soy está están era puede puedo podría hola gracias y esto este esta por favor",
].map(words);

/** Begin a sentence or show its language; they do say something. */
const COMMON: readonly ReadonlySet<string>[] = [
  "i me my we our you your he she they them his her their what when where which who why how to of in on for with from by at if or has have had should must about",
  "ich mich mir mein meine meinen meiner wir uns unser sie ihr ihre du dein er was wann wo welche welcher wer warum wie zu von in im am an auf für mit aus bei wenn oder hat habe haben soll muss über",
  "je me moi mon ma mes nous notre vous votre vos tu ton ta elle ils qui que quoi quel quelle quand où pourquoi comment à de en dans sur pour avec par chez si ou ai a avez ont dois faut au aux j d qu est-ce",
  "yo me mi mis nosotros nuestro usted su sus tú tu él ella ellos qué cuándo dónde cuál quién cómo a de del en sobre para con desde por al si o he ha tengo tiene debo hay",
].map(words);

/** Beginnings of negations, of numbers in words, and of words for days and months. A word too many does no harm. */
const FACT =
  /^(?:no|non|nor|not|nope|none|never|nobody|nothing|neither|without|cannot|except|unless|nicht.*|nie|niemals|niemand.*|kein.*|ohne|weder|außer|ne|n|ni|pas|jamais|aucun.*|rien|sans|sauf|nunca|ning[uú]n.*|nada|nadie|sin|tampoco|n[aã]o|nem|sem|niet|geen|ikke|inte|ingen|nu|ei|(?:one|two|twe|thir|three|four|five|fif|six|seven|eigh|nine|ten|eleven|hundred|thousand|milli|billi|half|twice|once|double|first|second|third|zw[eaö]|drei|vier|fünf|sech|sieb|acht|neun|zehn|elf|hundert|tausend|halb|doppel|erste|deux|trois|quatr|cinq|sept|huit|neuf|dix|onze|douze|treize|quinze|vingt|trent|quarant|soixant|cent|mille?$|dos$|tres|cuatro|seis|siete|ocho|nueve|diez|doce|trece|veint|treint|cuaren|sesen|seten|ochen|noven|cien|janu|jänn|janv|ener|febru|févr|febre|march|märz|mars$|marzo|apri|avri|abri|may$|mai$|mayo|june?$|juni|juin|july|juli|juil|augus|août|agost|octo|okto|octu|nove|novi|dece|deze|déce|dici|mond|tues|wedn|thurs|frid|satur|sund|mont|diens|mittw|donn|freit|sams|sonn|lundi|mardi|mercr|jeudi|vendr|samedi|dima|lunes|martes|miér|juev|sába|domin|today|tomor|yester|tonig|heute|morgen|gestern|aujou|hier$|demain|hoy$|mañana|ayer|next|last|nächst|letzt|proch|derni|próxi|últim).*)$/u;

const TOKEN = /(?:[-+](?=\p{N}))?[\p{L}\p{N}\p{M}]+(?:[.,:/'_@-][\p{L}\p{N}\p{M}]+)*|[\p{S}%‰#&*]/gu;

export interface Facts {
  /** The language, then numbers, names, dates and negations in their order. */
  readonly facts: readonly string[];
  /** The other words that say something, in their order. */
  readonly words: string;
}

/** @returns null for a text that is not compared */
export function factsOf(text: string): Facts | null {
  const plain = text.normalize("NFKC").replaceAll("’", "'");
  if (plain.length > TEXT_CHARS_MAX || /\p{Lo}/u.test(plain)) return null;
  const votes = EMPTY.map(() => 0);
  const facts: string[] = [];
  const said: string[] = [];
  let total = 0;
  for (const [token] of expanded(plain).matchAll(TOKEN)) {
    // `l'Oréal` is two words, `10:30` and `a@b.c` are one.
    for (const part of /\p{N}|[@_/]/u.test(token) ? [token] : token.split("'")) {
      const word = part.toLowerCase();
      const isEmpty = EMPTY.map((each) => each.has(word));
      const isKnown = EMPTY.map((_, i) => isEmpty[i]! || COMMON[i]!.has(word));
      const isFact = !/^\P{N}*\p{L}\P{N}*$/u.test(word) || FACT.test(word);
      if (isFact || (word !== part && !isKnown.includes(true))) {
        facts.push(word);
        continue;
      }
      total++;
      for (const [i, is] of isKnown.entries()) if (is) votes[i]!++;
      if (!isEmpty.includes(true)) said.push(word);
    }
  }
  const most = Math.max(...votes);
  const language = votes.indexOf(most);
  // A text in another language has a few words of one of these by chance.
  if (most === 0 || 3 * most < total || votes.lastIndexOf(most) !== language) return null;
  return { facts: [String(language), ...facts], words: said.join(" ") };
}

function expanded(text: string): string {
  return text
    .replace(/\bcan(?:'t|not)\b/giu, "can not")
    .replace(/\bwon't\b/giu, "will not")
    .replace(/n't\b/giu, " not");
}

/**
 * Whether two questions differ by more or fewer words only, or altogether. One that has a word or two in place of
 * another is another question: a name in lower case, a country, "enable" for "disable"; so are the same words in
 * another order.
 */
export function isSameQuestion(a: string, b: string): boolean {
  if (a === b) return true;
  const onlyIn = (these: string, those: string): number => {
    const rest = these === "" ? [] : these.split(" ");
    for (const word of those.split(" ")) {
      const at = rest.indexOf(word);
      if (at >= 0) rest.splice(at, 1);
    }
    return rest.length;
  };
  const inA = onlyIn(a, b);
  const inB = onlyIn(b, a);
  return inA === 0 || inB === 0 ? inA + inB > 0 : Math.max(inA, inB) > 2;
}
